"""What a request can be refused for, and how each protocol says so.

Every error body keeps KServe's `{"error": message}` and adds a stable code, the status, the request's
id, and, where the contract is broken, the violations one by one.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Literal

import orjson

from timonel.contract import Violation
from timonel.errors import BadInput, Busy, TimonelError, Unavailable

Protocol = Literal["v1", "v2", "grpc"]

_SHOWN = 20


class Malformed(BadInput):
    """The body is not what the protocol says."""

    code = "malformed"


class ContractBroken(BadInput):
    """The rows break the data contract."""

    code = "contract_violation"

    def __init__(self, violations: Sequence[Violation]) -> None:
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        super().__init__(f"{violations[0]}{more}", fix="send values that the data contract allows")
        self.violations = tuple(violations)


class TooLarge(BadInput):
    """The request is larger than a setting allows."""

    code = "too_large"


class NotFound(BadInput):
    """There is nothing of this name."""

    code = "not_found"


class Unauthorized(BadInput):
    """The token is missing, or is another one."""

    code = "unauthorized"


class Conflict(BadInput):
    """It contradicts what is there; it may be taken once one of the two is mended."""

    code = "conflict"


class NameTaken(Conflict):
    """Another one goes by this name."""

    code = "name_taken"


class UnsupportedMedia(BadInput):
    """The body is in a format that no protocol has."""

    code = "unsupported_media_type"


class Slow(BadInput):
    """The body did not arrive in time."""

    code = "body_timeout"


class Overloaded(Unavailable):
    """As many requests wait as may wait."""

    code = "overloaded"

    def __init__(self, message: str, *, retry_after: int, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.retry_after = retry_after


class Draining(Overloaded):
    """The server is about to stop."""

    code = "draining"


@dataclass(frozen=True)
class Problem:
    """A refusal, ready to be sent."""

    status: int
    code: str
    message: str
    fix: str | None = None
    violations: tuple[Violation, ...] = ()
    retry_after: int | None = None

    def body(self, request_id: str) -> bytes:
        """The JSON of the refusal."""
        fields: dict[str, Any] = {
            "error": self.message,
            "code": self.code,
            "status": self.status,
            "request_id": request_id,
        }
        if self.fix:
            fields["fix"] = self.fix
        if self.violations:
            fields["violations"] = violations_json(self.violations)
        return orjson.dumps(fields)


_STATUS: dict[type[TimonelError], HTTPStatus] = {
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMedia: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    NotFound: HTTPStatus.NOT_FOUND,
    Unauthorized: HTTPStatus.UNAUTHORIZED,
    Conflict: HTTPStatus.CONFLICT,
    Slow: HTTPStatus.REQUEST_TIMEOUT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Busy: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem_of(error: Exception, protocol: Protocol) -> Problem:
    """The refusal that an error becomes; one that nobody foresaw shows nothing of itself."""
    if not isinstance(error, TimonelError):
        return Problem(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "internal",
            "the model could not answer this request",
            "see the server's log, which has the request's id",
        )
    return Problem(
        _status(error, protocol),
        error.code,
        error.message,
        error.fix,
        getattr(error, "violations", ()),
        getattr(error, "retry_after", None),
    )


def violations_json(violations: Sequence[Violation]) -> list[dict[str, Any]]:
    """Violations as plain objects, the first few of them."""
    return [asdict(v) for v in violations[:_SHOWN]]


def _status(error: TimonelError, protocol: Protocol) -> int:
    for kind, status in _STATUS.items():
        if isinstance(error, kind):
            return status
    if isinstance(error, BadInput):
        # as KServe: V2 bodies that do not fit are unprocessable
        return HTTPStatus.BAD_REQUEST if protocol == "v1" else HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.INTERNAL_SERVER_ERROR
