"""The monitor service as a destination: parcels of windows, or rows where there is nothing to bin them by."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import httpx
import orjson

from timonel.errors import BadInput, Denied, TimonelError, Unavailable
from timonel.monitor.monitor import ModelMonitor
from timonel_serving.detector.delivery.destination import Attempt
from timonel_serving.detector.delivery.piece import Piece
from timonel_serving.detector.delivery.row_stream import row_stream
from timonel_serving.detector.privacy import Privacy

PARCEL = "application/vnd.timonel.parcel"
ROWS = "application/vnd.apache.arrow.stream"
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_HOPELESS = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, 422)
_FORBIDDEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_SHOWN = 300
"""Characters of an answer that are told on."""


@dataclass(frozen=True)
class Sender:
    """Who delivers."""

    name: str
    spool: str
    """Tells it from another detector of that name: each has its own spool, and keeps it over restarts."""


class MonitorDestination:
    """Posts with the mark, over one kept connection."""

    name = "monitor"

    def __init__(
        self,
        url: str,
        model: str,
        sender: Sender,
        token: str | None,
        folder: ModelMonitor | None,
        privacy: Privacy,
    ) -> None:
        """Without `folder`, a monitor with a reference that is used for nothing else, rows are sent."""
        self.address = url.rstrip("/")
        self._path = f"/v1/models/{quote(model, safe='')}"
        self._own_path = f"{self._path}/detectors/{quote(sender.name, safe='')}"
        self._folder, self._privacy = folder, privacy
        headers = {"x-timonel-detector": sender.name, "x-timonel-spool": sender.spool}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        self._client = httpx.Client(
            base_url=self.address, timeout=_TIMEOUT, headers=headers, trust_env=False
        )

    def mark(self) -> int:
        """The position up to which the monitor has everything on disk."""
        return _mark_of(self._ask("GET", self._own_path, b"", {}))

    def pack(self, piece: Piece) -> Attempt:
        """A parcel, or a stream of rows; the same bytes at each attempt."""
        body, kind = self._body(piece)
        return lambda: self._post(body, kind, piece.mark) <= piece.mark

    def greet(self) -> None:
        """An empty call: the monitor tells the silent from the dead."""
        self._post(b"", ROWS, 0)

    def leave(self) -> None:
        """A stopped pod is no fault of the model's watch."""
        self._ask("DELETE", self._own_path, b"", {})

    def _post(self, body: bytes, kind: str, mark: int) -> int:
        headers = {"content-type": kind, "x-timonel-mark": str(mark)}
        return _mark_of(self._ask("POST", f"{self._path}/windows", body, headers))

    def _body(self, piece: Piece) -> tuple[bytes, str]:
        if self._folder is None:
            return row_stream(piece, self._privacy), ROWS
        for part in piece.parts:
            self._folder.track_batch(part.table)
        return self._folder.hand_over().to_bytes(), PARCEL

    def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        try:
            answer = self._client.request(method, path, content=body, headers=dict(headers))
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{self.address} does not answer: {type(error).__name__}: {error}"
            ) from None
        if answer.is_success:
            return answer
        raise _problem(self.address, answer)


def _mark_of(answer: httpx.Response) -> int:
    try:
        return int(orjson.loads(answer.content)["mark"])
    except (ValueError, KeyError, TypeError):
        raise Unavailable(
            f"the answer has no mark: {answer.text[:_SHOWN]!r}",
            fix="is this the monitor's address?",
        ) from None


def _problem(address: str, answer: httpx.Response) -> TimonelError:
    """What its answer means: a wrong parcel is given up, a wrong token or reference waits to be mended."""
    said = f"{address} answers {answer.status_code}: {answer.text[:_SHOWN]}"
    if answer.status_code in _HOPELESS:
        return BadInput(said)
    if answer.status_code in _FORBIDDEN:
        return Denied(said, fix="set TIMONEL_TOKEN to the token of the monitor")
    return Unavailable(said)
