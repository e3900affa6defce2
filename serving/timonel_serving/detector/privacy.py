"""What of a column is stored: its values, a keyed hash of them, or nothing."""

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from timonel.config.watching import Keep
from timonel.errors import BadInput
from timonel_serving.detector.texts import texts

SETTING = "monitoring.detector.privacy"
KEY = "TIMONEL_HASH_KEY"
LEAST_KEY = 16
"""Characters of a key."""
_LENGTH = 32


@dataclass(frozen=True)
class Privacy:
    """What is done to each column before it is stored; the windows are folded from the plain values."""

    columns: Mapping[str, Keep] = field(default_factory=dict)
    texts: Collection[str] = ()
    """Columns of free text: dropped unless named."""
    key: bytes = field(default=b"", repr=False)

    def of(self, column: str) -> Keep:
        """What is done to a column."""
        return self.columns.get(column, "drop" if column in self.texts else "keep")

    def apply(self, column: str, values: pa.Array) -> pa.Array | None:
        """What is stored of a column; None: nothing."""
        kept = self.of(column)
        if kept == "hash":
            return self._hashed(values)
        return values if kept == "keep" else None

    def _hashed(self, values: pa.Array) -> pa.Array:
        coded = texts(values).dictionary_encode()
        hashes = [hashed(text, self.key) for text in coded.dictionary.to_pylist()]
        return pa.array(hashes, pa.string()).take(coded.indices)


def hashed(text: str, key: bytes) -> str:
    """The first 32 hexadecimal digits of HMAC-SHA-256: the same text gives the same, nobody guesses back."""
    return hmac.digest(key, text.encode(), "sha256").hex()[:_LENGTH]


def check_privacy(
    wanted: Mapping[str, Keep],
    key: str | None,
    known: Collection[str] | None,
    slices: Collection[str],
) -> None:
    """Refuse settings that could not be kept to; `known` are the columns that there are, if that is known."""
    if "hash" in wanted.values() and len(key or "") < LEAST_KEY:
        raise BadInput(
            f"{SETTING} hashes columns, but {KEY} has "
            + ("no value" if not key else f"{len(key)} characters, fewer than {LEAST_KEY}"),
            why="without a secret key anyone could find the values by trying",
            fix=f"set {KEY}, or {KEY}_FILE to a file with it: openssl rand -hex 32 makes one",
        )
    unknown = [name for name in wanted if known is not None and name not in known]
    if unknown:
        raise BadInput(
            f"{SETTING} names {', '.join(unknown)}, which is no column of the model",
            fix=f"its columns are {', '.join(sorted(known or ()))}",
        )
    sent = [name for name in slices if wanted.get(name, "keep") != "keep"]
    if sent:
        raise BadInput(
            f"{SETTING}: {', '.join(sent)} is among evaluation.slices",
            why="the values of slices are sent to the monitor as they are",
            fix="take it out of evaluation.slices, or keep it",
        )
