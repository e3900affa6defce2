"""The runbooks: of one form, and what they tell to type works."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prometheus_tools import ROOT
from timonel.ledger import Ledger, Place

FOLDER = ROOT / "docs/runbooks"
PAGES = sorted(page.stem for page in FOLDER.glob("*.md") if page.stem != "index")
SECTIONS = [
    *("What it means", "How bad", "First look", "Likely causes", "What to do", "When to close")
]


@pytest.mark.parametrize("page", PAGES)
def test_a_runbook_answers_the_same_questions(page: str) -> None:
    """In the same order, each with something to say, and commands for the first look."""
    text = (FOLDER / f"{page}.md").read_text()
    assert re.match(r"# Timonel\w+\n\nSeverity: (page|ticket|none)", text)
    parts = dict(re.findall(r"^## (.+?)\n(.+?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert list(parts) == SECTIONS
    assert all(len(part.split()) > 8 for part in parts.values())
    assert "```bash\n" in parts["First look"]


def test_the_queries_of_the_runbooks_run(tmp_path: Path) -> None:
    """On a ledger as it is: no table or column is named that is not there."""
    ledger = Ledger(Place.of(str(tmp_path / "ledger"), {}))
    now = datetime.now(UTC)
    prediction = {"prediction_id": ["a"], "event_time": [now], "model": ["fraud"]}
    said = {"version": ["1"], "status": ["ok"], "score": [0.5], "prediction": [1]}
    ledger.append("predictions", prediction | said)
    label = {"prediction_id": ["a"], "label": [1], "event_time": [now], "arrival_time": [now]}
    ledger.append("labels", label)
    text = "\n".join((FOLDER / f"{page}.md").read_text() for page in PAGES)
    queries = re.findall(r'timonel ledger query "(.+?)"', text, re.DOTALL)
    assert len(queries) >= 4
    for query in queries:
        assert ledger.query(query).num_rows == 1, query
