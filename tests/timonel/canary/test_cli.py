"""`timonel canary` as a pipeline uses it: exit codes and JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from canaries import blocks
from timonel.cli.main import build
from timonel.errors import BadInput

CONFIG = """
model: {name: fraud}
data: {source: x.csv, target: y}
rollout: {steps: [5], metrics: [{name: errors, margin: 0.002, base_rate: 0.005, noise: 0}]}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with settings."""
    (tmp_path / "timonel.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    """A command of the group."""
    return CliRunner().invoke(build(), ["canary", *words])


def written(n: int, rate: float = 0.005, share: float = 0.05) -> str:
    """A file of blocks."""
    lines = [json.dumps(b.to_dict()) for b in blocks(n, rate, share, weight=100 * share)]
    Path("blocks.jsonl").write_text("\n".join(lines) + "\n")
    return "blocks.jsonl"


@pytest.mark.parametrize(
    ("n", "rate", "share", "code", "verdict"),
    [
        (200, 0.01, 0.05, 10, "rollback"),
        (20, 0.005, 0.05, 20, "continue"),
        (200, 0.003, 0.05, 0, "promote"),
        (200, 0.005, 0.002, 30, "inconclusive"),
    ],
)
def test_the_exit_code_is_the_verdict(
    home: Path, n: int, rate: float, share: float, code: int, verdict: str
) -> None:
    """A shell, Argo or a workflow can branch on it."""
    done = run("judge", written(n, rate, share), "--json")
    assert done.exit_code == code
    assert json.loads(done.stdout)["verdict"] == verdict


def test_a_judge_is_put_away_and_taken_up(home: Path) -> None:
    """Two halves with a state file say what one run says."""
    lines = Path(written(60)).read_text().splitlines(keepends=True)
    whole = run("judge", "blocks.jsonl", "--json").stdout
    for part in (lines[:25], lines[25:]):
        Path("part.jsonl").write_text("".join(part))
        last = run("judge", "part.jsonl", "--state", "judge.state", "--json").stdout
    assert last == whole


def test_the_course_is_explained(home: Path) -> None:
    """The evidence over time, what suffices, and the verdict."""
    done = run("explain", written(200, 0.01))
    assert done.exit_code == 0
    assert "what suffices: errors 20 / 20" in done.stdout
    assert "ROLLBACK" in done.stdout


def test_a_plan_says_what_it_needs_or_refuses(home: Path) -> None:
    """50 requests a second suffice within max_blocks on a higher step, 1 does not."""
    done = run("plan", "--rps", "60", "--json")
    assert json.loads(done.stdout)["blocks"] <= 200
    assert isinstance(run("plan", "--rps", "1").exception, BadInput)


def test_a_bad_line_is_named(home: Path) -> None:
    """The message says which line and which field."""
    Path("bad.jsonl").write_text('{"start": "2026-01-01T00:00:00Z", "oops": 1}\n')
    error = run("judge", "bad.jsonl").exception
    assert isinstance(error, BadInput)
    assert "line 1" in str(error)


def test_the_simulation_prints_the_judge_beside_the_rules(home: Path) -> None:
    """With the user's own base rate and traffic."""
    done = run("simulate", "--rps", "50", "--runs", "40", "--history", "100", "--json")
    assert json.loads(done.stdout)[0]["rule"] == "timonel"
    assert "Mann-Whitney" in run("simulate", "--rps", "50", "--runs", "20", "--history", "0").stdout
