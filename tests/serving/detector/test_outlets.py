"""Where a detector delivers to, by its settings."""

import socket
from pathlib import Path

import pytest

from card_events import reference
from timonel.config.load import parse_config
from timonel.errors import BadInput
from timonel_serving.detector.outlets import Outlets

TEXT = """model: {name: fraud, task: binary}
data: {source: none.csv, target: fraud, entity: card}
monitoring: {detector: {%s}}
"""


def outlets(settings: str, folder: Path = Path("/nowhere"), **environment: str) -> Outlets:
    config = parse_config(TEXT % settings, base=folder)
    return Outlets(config, reference(), environment, folder / "spool")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", {"ledger": ".timonel/ledger"}),
        ("ledger: false", {}),
        (
            "monitor_url: 'http://monitor:9400/'",
            {"ledger": ".timonel/ledger", "monitor": "http://monitor:9400"},
        ),
    ],
)
def test_each_destination_may_be_off(
    settings: str, expected: dict[str, str], tmp_path: Path
) -> None:
    """The ledger is on and the monitor off unless the settings say otherwise."""
    found = outlets(settings, tmp_path).deliveries()
    addresses = {one.destination.name: one.destination.address for one in found}
    assert {k: v.removeprefix(f"{tmp_path}/") for k, v in addresses.items()} == expected


def test_the_name_is_the_hosts_unless_it_is_set() -> None:
    """In Kubernetes that is the pod's."""
    assert outlets("").name == socket.gethostname()
    assert outlets("name: pod-7").name == "pod-7"


def test_text_is_dropped_and_the_key_may_come_from_a_file(tmp_path: Path) -> None:
    """What the contract calls text is not kept unless asked; the key is nowhere to be seen."""
    (tmp_path / "key").write_text("0123456789abcdef\n")
    found = outlets("privacy: {card: hash}", TIMONEL_HASH_KEY_FILE=str(tmp_path / "key")).privacy()
    kept = {name: found.of(name) for name in ("card", "note", "amount")}
    assert kept == {"card": "hash", "note": "drop", "amount": "keep"}
    assert found.key == b"0123456789abcdef"
    assert "0123456789abcdef" not in repr(found)
    assert outlets("privacy: {note: keep}").privacy().of("note") == "keep"


def test_a_column_that_the_model_does_not_have_is_named() -> None:
    """With those that it has."""
    with pytest.raises(BadInput, match=r"colour, which is no column(.|\n)*age, amount, card"):
        outlets("privacy: {colour: drop}").deliveries()


@pytest.mark.parametrize(
    "settings",
    ["monitor_url: 'ftp://x'", "privacy: {card: shred}", "name: 'a/b'", "outbox_rows: 1"],
)
def test_settings_are_checked(settings: str) -> None:
    """When the file is read."""
    with pytest.raises(BadInput, match=r"monitoring\.detector\."):
        outlets(settings)
