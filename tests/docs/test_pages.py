"""The pages say what the code does: links resolve, generated parts are whole, lists are complete."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from timonel.cli.main import build
from timonel.config import Config

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ELSEWHERE = re.compile(r'<(?:link|script|img|iframe)[^>]+(?:href|src)="(https?://[^"]+)')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a link or an anchor that leads nowhere stops the strict build."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def test_the_site_builds_and_holds_no_source(site: Path) -> None:
    """Pages are there, the scripts that make them are not."""
    assert (site / "index.html").is_file()
    assert list(site.rglob("*.py")) == []


def test_every_command_and_its_options_are_in_the_reference(site: Path) -> None:
    """Nobody has to read the code to find a command."""
    page = (site / "reference/command-line/index.html").read_text()
    from typer.main import get_command

    for name in get_command(build()).commands:
        assert f"timonel {name}" in page
    assert "--config" in page
    assert "generated:" not in page


def test_every_setting_is_in_the_reference(site: Path) -> None:
    """The reference of timonel.yaml is complete, nested settings included."""
    page = (site / "reference/timonel-yaml/index.html").read_text()
    schema = Config.model_json_schema()
    keys = {k for part in schema["$defs"].values() for k in part.get("properties", {})}
    missing = [k for k in sorted(keys) if f"<code>{k}</code>" not in page]
    assert missing == []
    assert "PT0S" not in page


def test_every_metric_is_in_the_reference() -> None:
    """A gate may name what the page lists, and the page lists all."""
    page = (DOCS / "reference/model-metrics.md").read_text()
    metrics = importlib.import_module("timonel_components.metrics.figures").METRICS
    named = set(re.findall(r"^\| `(\w+)` ", page, re.MULTILINE))
    ranked = importlib.import_module("timonel_components.metrics.ranked").RANKED
    assert named == {*metrics, *ranked, "latency_p50_ms", "latency_p95_ms"}


def test_every_decision_is_in_the_index() -> None:
    """No decision is written down and then never found."""
    index = (DOCS / "decisions/index.md").read_text()
    pages = sorted(p.name for p in (DOCS / "decisions").glob("0*.md"))
    assert [name for name in pages if f"({name})" not in index] == []
    numbers = [int(name[:4]) for name in pages]
    assert numbers == list(range(1, len(pages) + 1))


def test_no_page_asks_another_host_for_fonts_or_counts_readers(site: Path) -> None:
    """Whoever reads the site tells nobody but its host (diagrams excepted, which load mermaid)."""
    for page in site.rglob("*.html"):
        loads = re.findall(
            r'<(?:link|script|img|iframe)[^>]+(?:href|src)="(https?://[^"]+)', page.read_text()
        )
        assert loads == [], page
