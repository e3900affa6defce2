"""`timonel ledger`, run as a user runs it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable
from typer.testing import CliRunner, Result

from ledgers import decision, ledger_at, rows
from timonel.cli.main import build
from timonel.config import load_config
from timonel.errors import BadInput

SETTINGS = "model: {name: fraud, task: binary}\ndata: {source: fraud.csv, target: fraud}\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings and the ledger where they say it is by default."""
    (tmp_path / "timonel.yaml").write_text(SETTINGS)
    ledger = ledger_at(tmp_path / ".timonel/ledger")
    ledger.append("predictions", rows(0, 30, days=3))
    for number in range(3):
        ledger.decide(decision(number))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def timonel(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(build(), ["ledger", *arguments])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def test_a_query_prints_rows_for_people_and_for_programs(home: Path) -> None:
    """Columns are aligned; JSON has names, rows, ISO times and null for what is unknown."""
    sql = "SELECT prediction_id, event_time, version, score / 0 AS odd FROM predictions ORDER BY event_time"
    lines = timonel("query", sql, "--limit", "2").output.splitlines()
    assert lines[0].split() == ["prediction_id", "event_time", "version", "odd"]
    assert lines[1].startswith("p0             2026-03-01 00:00:00  -")
    assert lines[3] == "the first 2 rows; --limit 0 shows all"
    found = json.loads(timonel("query", sql, "--json", "--limit", "0").stdout)
    assert len(found["rows"]) == 30
    assert not found["more"]
    first = {"prediction_id": "p0", "event_time": "2026-03-01T00:00:00+00:00", "version": None}
    assert found["rows"][0] == first | {"odd": None}


def test_a_query_of_no_rows_prints_its_columns(home: Path) -> None:
    """Nothing found is no error."""
    assert timonel("query", "SELECT metric, value FROM windows").stdout == "metric  value\n"


def test_control_characters_do_not_reach_the_terminal(home: Path) -> None:
    """A value cannot rewrite what is on the screen."""
    assert "\x1b" not in timonel("query", "SELECT 'x' || chr(27) || '[2Jy' AS v").stdout


def test_verify_is_silent_on_a_whole_chain_and_loud_on_a_broken_one(home: Path) -> None:
    """Exit code 10 and the record's number; the head is printed to be kept elsewhere."""
    said = timonel("verify").stdout
    head = said.split()[-1]
    assert said == f"WHOLE  3 decisions, head {head}\n"
    assert json.loads(timonel("verify", "--head", head, "--json").stdout)["whole"] is True
    assert "no record has the hash" in timonel("verify", "--head", "0123", code=10).stdout
    DeltaTable(str(home / ".timonel/ledger/decisions")).delete("seq = 2")
    assert timonel("verify", code=10).stdout == "BROKEN  record 2 was removed\n"
    broken = json.loads(timonel("verify", "--json", code=10).stdout)["breaches"]
    assert broken == [{"seq": 2, "what": "record 2 was removed"}]


def test_the_log_is_a_timeline(home: Path) -> None:
    """The oldest first; the newest only, a kind only, as JSON with the details."""
    lines = timonel("log").stdout.splitlines()
    assert lines[0] == "    1  2026-03-01 00:00:00  drift  fraud 3  amount has drifted (0)"
    assert len(lines) == 3
    (last,) = json.loads(timonel("log", "--last", "1", "--json").stdout)["decisions"]
    assert (last["seq"], last["details"]) == (3, {"effect": 0.4, "number": 2})
    assert timonel("log", "--kind", "rollback").stdout == "no decisions\n"


def test_compact_says_what_it_did(home: Path) -> None:
    """Files before and after, by table."""
    lines = timonel("compact").stdout.splitlines()
    assert "decisions: files 3 -> 1, 0 old ones deleted" in lines
    assert timonel("compact", "--ledger", str(home / "none")).stdout == "the ledger is empty\n"


def test_an_erasure_is_done_recorded_and_proven(home: Path) -> None:
    """The receipt is printed, and the timeline tells that something was erased, not what."""
    lines = timonel("erase", "--entity", "person-3").stdout.splitlines()
    assert lines[0] == "predictions: 4 rows removed"
    assert len(lines[-1]) == len("receipt: ") + 32
    assert "person-3" not in timonel("log", "--json").stdout
    assert timonel("log", "--kind", "erasure").stdout.count("\n") == 1


def test_an_erasure_that_is_not_sure_yet_says_so(home: Path) -> None:
    """Exit code 20 while files of unfinished writes may hold the rows."""
    source = next((home / ".timonel/ledger/predictions").rglob("*.parquet"))
    source.with_name("underway.parquet").write_bytes(source.read_bytes())
    assert "run it again in an hour" in timonel("erase", "--entity", "x", code=20).stdout


def test_retention_counts_back_from_today(home: Path) -> None:
    """Days that are young enough stay."""
    today = datetime.now(UTC).replace(hour=12)
    young = rows(100, 1) | {"event_time": [today - timedelta(days=2)]}
    ledger_at(home / ".timonel/ledger").append("predictions", young)
    assert "predictions: 30 rows removed" in timonel("retain", "--keep", "30d").stdout
    (left,) = timonel("query", "SELECT count(*) n FROM predictions").stdout.split()[1:]
    assert left == "1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["query", "DROP VIEW predictions"], "expected one SELECT"),
        (["retain", "--keep", "long"], "--keep is 'long'"),
        (["retain", "--keep", "999999999d"], "--keep is"),
        (["verify", "--ledger", "ftp://host/x"], "ftp:// is not a place"),
        (["verify", "-c", "other.yaml"], "other.yaml: no such file"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(arguments: list[str], message: str, home: Path) -> None:
    """As an error with a fix, and nothing is changed."""
    done = CliRunner().invoke(build(), ["ledger", *arguments])
    assert isinstance(done.exception, BadInput)
    assert message in str(done.exception)
    assert ledger_at(home / ".timonel/ledger").rows("predictions").count_rows() == 30


def test_the_settings_place_the_ledger(home: Path) -> None:
    """A relative path starts at the file's folder, an address is taken as it is."""
    for given, expected in (
        ("books", str(home / "books")),
        ("s3://bucket/books", "s3://bucket/books"),
    ):
        (home / "timonel.yaml").write_text(SETTINGS + f"storage: {{ledger: '{given}'}}\n")
        assert load_config(home / "timonel.yaml").ledger == expected
