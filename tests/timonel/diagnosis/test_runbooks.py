"""Every cause has a runbook, and every runbook of a cause has a cause."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from timonel.diagnosis import Cause
from timonel.diagnosis.cause import RUNBOOKS
from timonel.ledger import Ledger, Place

FOLDER = Path(__file__).resolve().parents[3] / "docs/runbooks"
SECTIONS = ["Symptom", "How to confirm", "Fix", "How to know it is over"]


def test_causes_and_runbooks_are_pairs() -> None:
    """No cause without a page, no page without a cause, all of them in the index."""
    written = {f"causes/{page.stem}" for page in (FOLDER / "causes").glob("*.md")}
    assert set(RUNBOOKS) == set(Cause)
    assert set(RUNBOOKS.values()) == written
    assert all(f"({page}.md)" in (FOLDER / "index.md").read_text() for page in written)


@pytest.mark.parametrize("page", RUNBOOKS.values())
def test_a_runbook_of_a_cause_answers_the_same_questions(page: str) -> None:
    """Symptom, commands that confirm it, the fix, and how to know that it is over."""
    text = (FOLDER / f"{page}.md").read_text()
    parts = dict(re.findall(r"^## (.+?)\n(.+?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert list(parts) == SECTIONS
    assert all(len(part.split()) > 10 for part in parts.values())
    assert "```bash\n" in parts["How to confirm"]


def test_the_queries_of_the_runbooks_run(tmp_path: Path) -> None:
    """On a ledger as it is: no table or column is named that is not there."""
    ledger, now = Ledger(Place.of(str(tmp_path / "ledger"), {})), datetime.now(UTC)
    said = {"prediction_id": ["a"], "event_time": [now], "version": ["1"], "status": ["ok"]}
    ledger.append("predictions", said | {"model": ["fraud"], "score": [0.5], "latency_ms": [3.0]})
    label = {"prediction_id": ["a"], "label": [1], "event_time": [now], "arrival_time": [now]}
    ledger.append("labels", label)
    text = "\n".join(page.read_text() for page in (FOLDER / "causes").glob("*.md"))
    queries = re.findall(r'timonel ledger query "(.+?)"', text, re.DOTALL)
    assert len(queries) >= 4
    for query in queries:
        assert ledger.query(query).num_rows == 1, query
