"""`timonel backtest` on real rows with real training."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from projects import Done, command, make_project, timonel_here, write_slice
from slices import Settings, slice_of
from timonel.config import Candidate
from timonel.contract import infer_contract
from timonel.faults import Layout, SuddenConceptChange
from timonel_components.backtesting.trainer import SettingsTrainer

FAST = {"candidates": ["logistic"], "trials": 1}
Change = Callable[[pa.Table], pa.Table]


def project(folder: Path, table: pa.Table | None = None, **changes: dict[str, object]) -> Path:
    """A table and its settings; without a table a slice of real accidents."""
    path = folder / "data.parquet"
    if table is None:
        write_slice(path)
    else:
        parquet.write_table(table, path)
    return make_project(folder, path, **{"train": FAST, **changes})


def played(config: Path, *words: str) -> Done:
    """The command on the project's table."""
    return timonel_here("backtest", config.parent / "data.parquet", "-c", config, *words)


def report(config: Path, *words: str) -> dict[str, Any]:
    """The command's report."""
    done = played(config, *words, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_real_table_is_played_and_its_story_told(tmp_path: Path) -> None:
    """The story names model, periods, regret and the report; the report has the promised keys."""
    config, out = project(tmp_path), tmp_path / "out" / "report.json"
    words = ("--policy", "monthly", "--period", "month", "--initial", "0.6")
    done = played(config, *words, "--report", str(out))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("model     logistic (C 1)")
    assert any(line.startswith("regret    ") for line in lines)
    assert lines[-1] == f"written   {out}"
    found = json.loads(out.read_text())
    keys = {"policy", "periods", "retrains", "vetoes", "alarms", "summary", "regret"}
    assert keys <= set(found)
    rows = [line for line in lines if line[:2] == "20" and "played" not in line]
    assert len(rows) == len(found["periods"]) <= 40
    assert sum("  yes" in row for row in rows) == len(found["retrains"]) == len(rows) - 1


def test_json_is_the_report_and_nothing_else(tmp_path: Path) -> None:
    """Standard output holds one object; the file holds the same."""
    config, out = project(tmp_path), tmp_path / "report.json"
    words = ("--policy", "never", "--period", "month", "--initial", "0.9")
    assert report(config, *words, "--report", str(out)) == json.loads(out.read_text())
    assert played(config, *words, "--quiet").stdout == ""


def test_of_many_periods_the_first_and_the_last_are_shown(tmp_path: Path) -> None:
    """A terminal is not flooded; the report has all."""
    done = played(project(tmp_path), "--policy", "never", "--initial", "0.8")
    assert done.returncode == 0, done.stderr
    assert "periods between: --report has all" in done.stdout
    assert len(done.stdout.splitlines()) < 60


def test_always_has_no_regret_and_never_has_in_accidents_that_drift(tmp_path: Path) -> None:
    """Severe accidents grow rare from 2018 on: the first model's threshold costs ever more."""
    config = project(tmp_path)
    words = ("--period", "91d")
    always, never = (report(config, "--policy", p, *words) for p in ("always", "never"))
    assert always["regret"]["value"] == 0
    assert never["regret"]["cost_per_1000_rows"]["lower"] > 0
    assert never["first_training"] == always["first_training"]


def test_after_an_injected_concept_change_retraining_beats_never(tmp_path: Path) -> None:
    """The labels turn to another rule: a model trained on a window follows, the first cannot."""
    table = slice_of("accidents", 6000)
    layout = Layout.plain("severe", "occurred_at", key="accident_id")

    def far_north(rows: pa.Table) -> np.ndarray:
        return np.where(rows["start_lat"].to_numpy() > 36, 0.9, 0.1)

    onset = datetime(2019, 6, 1, tzinfo=UTC)
    change = SuddenConceptChange(onset=onset, rule=far_north, layout=layout)
    changed = change.apply(table, np.random.default_rng(1)).table
    config = project(tmp_path, changed)
    words = ("--period", "91d", "--window", "365d", "--metric", "accuracy")
    never, monthly = (report(config, "--policy", p, *words) for p in ("never", "monthly"))
    assert never["regret"]["lower"] > 0.05
    assert monthly["summary"]["accuracy"]["lower"] > never["summary"]["accuracy"]["upper"]


def test_text_is_played_too(tmp_path: Path) -> None:
    """A text task has no columns whose drift is tested, and all the rest."""
    table = slice_of("spam", 900)
    data = {"source": "data.parquet", "target": "is_spam", "time": "received_at"}
    data |= {"key": "message_id", "text": "text", "positive": 1, "categorical": []}
    config = project(
        tmp_path,
        table,
        model={"name": "spam", "task": "text"},
        data=data,
        train={"candidates": ["tfidf-logistic"], "trials": 1},
        evaluation={"slices": []},
    )
    found = report(config, "--policy", "monthly", "--initial", "0.3")
    assert found["model"]["candidate"] == "tfidf-logistic"
    assert found["summary"]["auc"]["value"] > 0.9
    assert {a["kind"] for a in found["alarms"]} <= {"error rate"}


def test_more_than_two_classes_are_played_even_where_one_is_new(tmp_path: Path) -> None:
    """A season that the first training never saw is always mistaken, until a training has seen it."""
    table = slice_of("accidents", 6000)
    spring = pc.less(table["occurred_at"], pa.scalar(datetime(2016, 12, 1, tzinfo=UTC)))
    config = project(
        tmp_path,
        table.filter(spring),
        model={"task": "multiclass"},
        data={"target": "season", "positive": None, "drop": ["twilight", "severe"]},
        evaluation={"slices": []},
    )
    words = ("--period", "month", "--initial", "0.6", "--window", "400d")
    never, always = (report(config, "--policy", p, *words) for p in ("never", "always"))
    assert "cost" not in never["summary"]
    assert never["regret"]["cost_per_1000_rows"] is None
    assert never["summary"]["accuracy"]["n"] == sum(p["n"] for p in never["periods"])
    assert always["summary"]["accuracy"]["value"] >= never["summary"]["accuracy"]["value"]


def _one_class_at_first(table: pa.Table) -> pa.Table:
    severe = table["severe"].to_numpy().copy()
    severe[: len(severe) // 2] = 0
    return table.set_column(table.column_names.index("severe"), "severe", pa.array(severe))


@pytest.mark.parametrize(
    ("change", "settings", "words", "said"),
    [
        (None, {"data": {"time": None}}, (), "data.time is not set"),
        (None, {"data": {"time": "when"}}, (), "names the column when, which the table does not"),
        (lambda t: t.take(list(range(t.num_rows))[::-1]), {}, (), "goes back at row 1"),
        (lambda t: t.slice(0, 120), {}, (), "the first training needs 100 at least"),
        (_one_class_at_first, {}, (), "has one value only"),
        (lambda t: t.drop_columns(["severe"]), {}, (), "severe"),
        (None, {}, ("--policy", "hourly"), "there is no policy hourly"),
        (None, {}, ("--period", "fortnight"), "expected week, month"),
        (None, {}, ("--window", "long"), "--window is 'long'"),
        (None, {}, ("--metric", "profit"), "there is no metric profit"),
        (None, {}, ("--initial", "2"), "expected between 0 and 1"),
        (None, {}, ("--candidate", "tfidf-svm"), "does not fit task binary"),
    ],
)
def test_what_cannot_be_played_is_an_error_with_its_reason(
    tmp_path: Path,
    change: Change | None,
    settings: dict[str, dict[str, object]],
    words: tuple[str, ...],
    said: str,
) -> None:
    """Exit code 1, one message without a traceback, no report."""
    table = slice_of("accidents", 3000)
    config = project(tmp_path, change(table) if change else table, **settings)
    done = played(config, "--report", str(tmp_path / "report.json"), *words)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert not (tmp_path / "report.json").exists()


def test_ctrl_c_leaves_no_report(tmp_path: Path) -> None:
    """It answers at once with 130; neither the report nor a half of it is there."""
    config = project(tmp_path, slice_of("accidents", 50_000))
    process = subprocess.Popen(
        command("backtest", "data.parquet", "-c", config, "--report", "out/report.json"),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("backtest: ")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert list(tmp_path.rglob("*.json")) == []


def test_later_trainings_fit_what_the_first_one_chose(
    accidents: pa.Table, settings: Settings
) -> None:
    """One search, then the same candidate and settings on other rows; with a search each, one each."""
    config = settings(train={"candidates": ["logistic"], "trials": 4})
    classes = infer_contract(accidents, config).classes
    once = SettingsTrainer(config, classes)
    first, second = once.fit(accidents.slice(0, 1500)), once.fit(accidents)
    assert (first.trained.info.trials, second.trained.info.trials) == (4, 1)
    assert first.trained.info.params == second.trained.info.params
    assert second.trained.info.rows > first.trained.info.rows
    each = SettingsTrainer(config, classes, search_each=True)
    assert [each.fit(t).trained.info.trials for t in (accidents, accidents)] == [4, 4]


def test_the_positive_class_stays_where_it_is_the_common_one(
    accidents: pa.Table, settings: Settings
) -> None:
    """Which class is rarer changes with time; which one is looked for does not."""
    config = settings(data={"positive": None}, train={"candidates": ["logistic"], "trials": 1})
    classes = infer_contract(accidents, config).classes
    severe = accidents["severe"].to_numpy()
    mostly = np.sort(np.r_[np.flatnonzero(severe == 1), np.flatnonzero(severe == 0)[::8]])
    table = accidents.take(mostly)
    scorer = SettingsTrainer(config, classes).fit(table)
    assert scorer.contract.classes == classes == (0, 1)
    score = scorer.score(table)[:, 1]
    assert score[severe[mostly] == 1].mean() > score[severe[mostly] == 0].mean()
    assert scorer.trained.info.candidate == Candidate.LOGISTIC
