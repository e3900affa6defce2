import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from timonel.cli.main import build
from timonel.faults import Healthy, UnitChange, split_labels
from timonel.ledger import Ledger, Place

SETTINGS = """
model: {name: healthy, task: binary}
data: {source: data.parquet, target: label, time: event_time}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("diagnose")
    healthy = Healthy(rows=12_000, days=28)
    rng = np.random.default_rng(4)
    log = UnitChange(columns=("amount",), model=healthy.model).apply(healthy.table(rng), rng)
    parts = split_labels(log.table)
    ledger = Ledger(Place.of(str(folder / "ledger"), {}))
    predictions = parts.predictions
    for name in ("prediction", "status"):
        index = predictions.schema.get_field_index(name)
        predictions = predictions.set_column(index, name, predictions[name].cast(pa.string()))
    labels = parts.labels
    index = labels.schema.get_field_index("label")
    ledger.append("predictions", predictions)
    ledger.append("labels", labels.set_column(index, "label", labels["label"].cast(pa.string())))
    (folder / "timonel.yaml").write_text(SETTINGS)
    return folder


def diagnose(home: Path, *more: str) -> str:
    given = ["diagnose", "-c", str(home / "timonel.yaml"), "--ledger", str(home / "ledger"), *more]
    result = CliRunner().invoke(build(), given)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_story_names_cause_column_and_what_to_do(home: Path) -> None:
    """The first line is the answer; figures and what was not asked come after it."""
    told = diagnose(home, "--quiet", "--html", str(home / "a.html")) + diagnose(home)
    assert told.startswith("Most probably broken data: amount")
    assert "mend the data at their source" in told
    assert "log-loss  0." in told
    assert "version 1 is not at hand" in told


def test_json_is_the_diagnosis(home: Path) -> None:
    """--json prints one object with state, cause, action and ranked findings."""
    found = json.loads(diagnose(home, "--json"))
    assert (found["state"], found["cause"], found["action"]) == (
        "explained",
        "data_quality",
        "fix_data",
    )
    assert found["findings"][0]["scope"]["columns"] == ["amount"]


def test_the_report_stands_alone(home: Path) -> None:
    """The HTML file has both pictures and fetches nothing."""
    diagnose(home, "--html", str(home / "report.html"))
    text = (home / "report.html").read_text()
    assert "Where the loss comes from" in text
    assert "Then and now" in text
    assert "amount" in text
    assert not re.search(r"<script|https?://", text)


def test_a_record_is_written_once_and_the_monitor_names_it(home: Path) -> None:
    """The same answer is not written again; `timonel monitor --ledger` and its report name it."""
    for _ in range(2):
        assert "record 1, " in diagnose(home, "--record")
    ledger = Ledger(Place.of(str(home / "ledger"), {}))
    assert [one.kind for one in ledger.decisions()] == ["diagnosis"]
    assert ledger.verify().whole
    words = ["monitor", "--ledger", str(home / "ledger"), "--html", str(home / "monitor.html")]
    result = CliRunner().invoke(build(), words)
    assert "diagnosis: Most probably broken data: amount" in result.stdout
    text = (home / "monitor.html").read_text()
    assert "<b>Most probably broken data: amount" in text
    assert "Where the loss comes from" in text
    assert "mend the data at their source" in text
    assert not re.search(r"<script|https?://", text)
