"""The newest diagnosis on the page: causes, evidence, runbook, picture; or that there is none."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

import watched_models as models
from monitor_pages import SETTINGS, serving
from page_looks import ALL, COLOURS, LOOKS, require_sound
from timonel.config import parse_config
from timonel.diagnosis import Case, diagnose
from timonel.diagnosis.record import record
from timonel.faults import Healthy, UnitChange
from timonel.ledger import Ledger
from timonel.ledger import Place as LedgerPlace
from timonel_serving.monitor.models.watched import Place, Watched

HEALTHY = Healthy(rows=8_000, days=28)
VIEWS = {"broken": "/models/broken", "well": "/models/well", "new": "/models/new"}
EXAMINED: dict[str, dict[str, Any]] = {
    "light": {"broken": ALL},
    "dark": {"broken": COLOURS},
    "phone": {},
}


def told(name: str, folder: Path) -> Watched:
    """A model whose ledger holds a diagnosis: a broken column's, one of a good time, or none."""
    rng = np.random.default_rng(4)
    table = HEALTHY.table(rng)
    if name == "broken":
        table = UnitChange(columns=("amount",), model=HEALTHY.model).apply(table, rng).table
    half = table.num_rows // 2
    ledger = Ledger(LedgerPlace.of(str(folder / name), {}))
    if name != "new":
        case = Case(reference=table.slice(0, half), current=table.slice(half))
        record(ledger, name, "1", datetime(2026, 1, 22, tzinfo=UTC), diagnose(case))
    config = parse_config(SETTINGS.format(name=name))
    place = Place(folder / f"state-{name}", lambda: ledger)
    return Watched(name, config, models.played(name=name), place, time.time)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A monitor with a model that is explained, one that is well, and one without a diagnosis."""
    folder = tmp_path_factory.mktemp("diagnosed")
    with serving([told(name, folder) for name in VIEWS]) as (address, _):
        yield address


@pytest.mark.parametrize(("look", "tab"), LOOKS.items(), ids=LOOKS, indirect=["tab"])
def test_the_section_in_each_look(look: str, tab: Any) -> None:
    """No error, nothing that the policy stops, no sideways scrolling, accessible."""
    require_sound(tab, look, VIEWS, EXAMINED)


def test_a_cause_has_share_evidence_action_and_runbook(tab: Any) -> None:
    """In words first, with the picture of where the loss comes from."""
    section = tab.open("/models/broken").locator("#s-diagnosis")
    for said in ("Most probably broken data: amount", "do not retrain", "confidence high"):
        expect(section).to_contain_text(said)
    expect(section).to_contain_text("docs/runbooks/causes/data-quality.md")
    expect(section.locator("svg.fall text").first).to_have_text("before")


def test_no_action_and_no_diagnosis_are_told_as_clearly(tab: Any) -> None:
    """That there is nothing to explain is said in words; so is that nobody has asked yet."""
    expect(tab.open("/models/well").locator("#s-diagnosis .said")).to_contain_text("no action")
    section = tab.open("/models/new").locator("#s-diagnosis")
    expect(section).to_contain_text(
        "No diagnosis yet. One is made when an anomaly or a drift opens"
    )
