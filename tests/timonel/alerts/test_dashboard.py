"""The Grafana dashboard: whole, in order, every expression one that Prometheus parses."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from prometheus_tools import ROOT, check
from timonel.alerts.dashboard import dashboard


@pytest.fixture(scope="module")
def document() -> Any:
    """What Grafana reads."""
    return json.loads(dashboard())


@pytest.fixture(scope="module")
def panels(document: Any) -> Any:
    """Its panels without the headings."""
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def test_its_order_is_that_of_the_page(document: Any) -> None:
    """Verdict first; who knows the one finds his way in the other."""
    rows = [panel["title"] for panel in document["panels"] if panel["type"] == "row"]
    assert rows == [
        *("Verdict", "Performance", "Drift", "Service", "Data quality", "Versions", "Labels"),
        "Detectors and monitor",
    ]


def test_prometheus_parses_every_expression(panels: Any, tmp_path: Path) -> None:
    """With the variables as Grafana fills them in."""
    exprs = [target["expr"] for panel in panels for target in panel["targets"]]
    filled = [
        e.replace("$__rate_interval", "1m").replace("$model", "m").replace("$metric", "auc")
        for e in exprs
    ]
    assert not [e for e in filled if "$" in e]
    rules = [{"record": f"panel:{i}", "expr": e} for i, e in enumerate(filled)]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(filled)} rules found" in check("promtool", "check", "rules", path)


def test_every_variable_is_defined(document: Any) -> None:
    """What a title or an expression names is among the variables, or Grafana's own."""
    defined = {variable["name"] for variable in document["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(document["panels"])))
    assert used - {"__rate_interval"} == defined


def test_no_panel_covers_another(panels: Any, document: Any) -> None:
    """Each has a place on the grid and a number of its own."""
    ids = [panel["id"] for panel in document["panels"]]
    assert len(set(ids)) == len(ids)
    places = [panel["gridPos"] for panel in document["panels"]]
    assert all(p["x"] >= 0 and p["x"] + p["w"] <= 24 for p in places)
    assert not [(a, b) for a, b in combinations(places, 2) if _overlap(a, b)]


def _overlap(a: dict[str, int], b: dict[str, int]) -> bool:
    beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    return not beside and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]


def test_every_panel_says_what_it_shows(panels: Any) -> None:
    """A title, a sentence, a unit, and words where there is no data."""
    for panel in panels:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["noValue"] == "no data"
        assert panel["targets"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_the_committed_dashboard_is_the_generated_one() -> None:
    """Whoever imports the file gets what the code draws."""
    assert (ROOT / "manifests/monitoring/timonel.dashboard.json").read_text() == dashboard()
