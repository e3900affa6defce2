"""`timonel ledger fold` and `timonel monitor --ledger | --state`, as a person runs them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from folded import reference, write_log
from ledgers import ledger_at, rows
from timonel.cli.main import build
from timonel.errors import BadInput, Corrupt, TimonelError, Unavailable
from timonel.ledger import Ledger

COMMAND = "from timonel.cli.main import run; run()"
CONFIG = """
model: {name: fraud, task: binary}
data: {source: rows.csv, target: fraud, time: happened}
storage: {directory: .}
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Four days, beside a timonel.yaml that names it and a reference."""
    home = tmp_path_factory.mktemp("cli")
    (home / "timonel.yaml").write_text(CONFIG)
    reference().save(home / "reference.parquet")
    return write_log(home / "ledger")


def run(*arguments: object) -> str:
    """What a command prints; raises what the command line would turn into a message."""
    result = CliRunner().invoke(build(), [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> TimonelError:
    with pytest.raises(TimonelError) as caught:
        CliRunner().invoke(build(), [str(a) for a in arguments], catch_exceptions=False)
    return caught.value


def test_a_fold_tells_what_it_counted(ledger: Ledger) -> None:
    """Rows, days, rate, windows and the metrics of the whole; the settings name the ledger."""
    home = Path(ledger.place.uri).parent
    told = run("ledger", "fold", "-c", home / "timonel.yaml", "--workers", 1)
    assert "3,000 predictions from 2026-03-01 00:" in told
    assert "rows/s" in told
    assert "accuracy" in told
    assert "of 2 versions" in told
    found = json.loads(
        run(
            "ledger",
            "fold",
            "-c",
            home / "timonel.yaml",
            "--workers",
            1,
            "--json",
            "--end",
            "2026-03-02",
        )
    )
    assert found["last"] < "2026-03-02"
    assert found["metrics"]["n"] == found["rows"] < 1000


def test_a_state_is_watched_as_the_ledger_is(ledger: Ledger, tmp_path: Path) -> None:
    """The figures of the last day are the same, whether the ledger is played or was folded before."""
    known = Path(ledger.place.uri).parent / "reference.parquet"
    state = tmp_path / "fraud.parcel"
    run(
        "ledger",
        "fold",
        "--ledger",
        ledger.place.uri,
        "--reference",
        known,
        "--out",
        state,
        "--workers",
        1,
    )
    of_state = json.loads(run("monitor", "--state", state, "--reference", known, "--json"))
    played = json.loads(
        run("monitor", "--ledger", ledger.place.uri, "--reference", known, "--json")
    )
    assert of_state["metrics"] == played["metrics"]
    assert of_state["metrics"]["n"] > 500


def test_a_monitor_reads_a_ledger_from_a_day_on(ledger: Ledger) -> None:
    """By its settings' file; `--since` counts back from the newest prediction."""
    config = Path(ledger.place.uri).parent / "timonel.yaml"
    told = run(
        "monitor", "--ledger", config, "-c", config, "--since", "12h", "--window", "4d", "-q"
    )
    assert told == ""
    found = json.loads(
        run(
            "monitor",
            "--ledger",
            config,
            "-c",
            config,
            "--since",
            "12h",
            "--window",
            "4d",
            "--json",
        )
    )
    assert 200 < found["metrics"]["n"] < 600
    one = json.loads(run("monitor", "--ledger", config, "-c", config, "--model", "other", "--json"))
    assert 0 < one["metrics"]["n"] < 150


def test_what_cannot_be_done_is_told(ledger: Ledger, tmp_path: Path) -> None:
    """Which option is wrong, or what is missing, and what to do."""
    place, state = ledger.place.uri, tmp_path / "state"
    state.write_bytes(b"no parcel")
    assert "no predictions" in str(refused("monitor", "--ledger", tmp_path / "none"))
    assert "expected one of" in str(refused("monitor", "--ledger", place, "--state", state))
    assert "--since" in str(refused("monitor", "--ledger", place, "--since", "soon"))
    assert "rows of a ledger" in str(refused("monitor", "--state", state, "--since", "1d"))
    assert "--start" in str(refused("ledger", "fold", "--ledger", place, "--start", "soon"))
    assert "what the model predicts" in str(refused("ledger", "fold", "--ledger", place))
    assert isinstance(refused("monitor", "--state", state), Corrupt)
    assert isinstance(refused("monitor", "--state", tmp_path / "gone"), BadInput)


def test_a_fold_of_nothing_says_so(ledger: Ledger, tmp_path: Path) -> None:
    """An empty ledger is no error: there is nothing in it yet."""
    known = Path(ledger.place.uri).parent / "reference.parquet"
    assert "no predictions" in run(
        "ledger", "fold", "--ledger", tmp_path / "none", "--reference", known
    )


def test_without_java_spark_is_unavailable(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what is missing and how to get it."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    known = Path(ledger.place.uri).parent / "reference.parquet"
    told = refused(
        "ledger", "fold", "--ledger", ledger.place.uri, "--reference", known, "--engine", "spark"
    )
    assert isinstance(told, Unavailable)
    assert "Java" in str(told)


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    """No state, no exchanged ids, no process."""
    ledger, scratch = ledger_at(tmp_path / "ledger"), tmp_path / "scratch"
    scratch.mkdir()
    for day in range(3):
        ledger.append("predictions", rows(day * 10_000, 10_000))
    reference().save(tmp_path / "reference.parquet")
    arguments = ["--ledger", ledger.place.uri, "--reference", tmp_path / "reference.parquet"]
    arguments += ["--workers", "2", "--scratch", scratch, "--out", tmp_path / "state"]
    started = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "ledger", "fold", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(scratch.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(started.pid, signal.SIGINT)  # as a terminal does: to all of its processes
    _, said = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "Traceback" not in said.decode()
    assert not list(scratch.iterdir())
    assert not (tmp_path / "state").exists()
    deadline = time.monotonic() + 20
    while alive(started.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(started.pid)


def alive(group: int) -> bool:
    """Whether a process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
