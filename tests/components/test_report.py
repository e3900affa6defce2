"""The evaluation as a page."""

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from examined import Examined, examined
from timonel_components.evaluation.drawing import svg
from timonel_components.evaluation.gates import GateReport, GateResult
from timonel_components.evaluation.picture_rows import importances
from timonel_components.evaluation.result import Evaluation
from timonel_components.report import write_report

EVIL = "<script>alert('$x$')</script>"
TAGS_WITHOUT_END = {"meta", "br"}


class Nesting(HTMLParser):
    """Checks that every tag is closed, and collects what the page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.seen.add(tag)
        self.fetched += [str(v) for k, v in attrs if k in ("src", "href", "xlink:href") and v]
        if tag not in TAGS_WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost tag."""
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def found() -> Evaluation:
    """A real evaluation."""
    return examined().evaluation


def read(path: Path) -> Nesting:
    """Parse a page."""
    nesting = Nesting()
    nesting.feed(path.read_text(encoding="utf-8"))
    assert nesting.open == []
    return nesting


def test_the_page_needs_no_other_file(found: Evaluation, tmp_path: Path) -> None:
    """Pictures are inlined: nothing is fetched, nothing runs."""
    page = read(write_report(found, tmp_path))
    assert "svg" in page.seen
    assert "script" not in page.seen
    assert all(target.startswith(("#", "data:")) for target in page.fetched)


def test_every_figure_stands_on_the_page(found: Evaluation, tmp_path: Path) -> None:
    """Each metric with its value, beside the pictures and the JSON."""
    text = write_report(found, tmp_path).read_text()
    for name, estimate in found.metrics.items():
        assert f">{name}<" in text
        assert estimate.value is None or f"{estimate.value:.4g}" in text
    assert Evaluation.load(tmp_path / "evaluation.json") == found
    assert {p.stem for p in tmp_path.glob("*.svg")} == {
        "roc", "precision-recall", "calibration", "scores", "costs", "confusion", "importances",
        "slices",
    }  # fmt: skip


def test_names_from_the_data_are_text_and_never_markup(found: Evaluation, tmp_path: Path) -> None:
    """A group, a class or a feature may be called anything."""
    assert found.explanation is not None
    renamed = tuple(i.model_copy(update={"feature": EVIL}) for i in found.explanation.importances)
    odd = found.model_copy(
        update={
            "slices": tuple(s.model_copy(update={"group": EVIL}) for s in found.slices),
            "classes": ("fine", EVIL),
            "explanation": found.explanation.model_copy(update={"importances": renamed}),
        }
    )
    page = read(write_report(odd, tmp_path))
    assert "script" not in page.seen
    for picture in tmp_path.glob("*.svg"):
        ElementTree.fromstring(picture.read_text())


def test_the_verdict_of_the_gates_comes_first(found: Evaluation, tmp_path: Path) -> None:
    """A failing gate is in the head of the page, by word and not by colour alone."""
    failed = GateResult(metric="f1", expected="at least 1", actual="0", passed=False)
    gates = GateReport(passed=False, results=(failed,))
    text = write_report(found, tmp_path, gates).read_text()
    assert "1 of 1 gates fail" in text[: text.index("<h2>")]


def test_pictures_are_the_same_for_the_same_numbers(found: Evaluation) -> None:
    """No date, no random ids: a picture can be compared."""
    assert svg(importances(found)) == svg(importances(found))


def test_a_dark_page_recolours_the_pictures(found: Evaluation, tmp_path: Path) -> None:
    """In the page, ink and surface of the pictures are the page's own variables."""
    text = write_report(found, tmp_path).read_text()
    body = text[text.index("<main>") :]
    assert "var(--ink)" in body
    assert not re.search(r"(fill|stroke): #(1d2b36|fefefe)", body)


@pytest.mark.parametrize(
    ("example", "candidate", "rows"),
    [("spam", "tfidf-logistic", 600), ("employment", "logistic", 3000)],
)
def test_every_kind_of_model_has_a_page(
    example: str, candidate: str, rows: int, tmp_path: Path
) -> None:
    """Words, categories alone: what is not there leaves no gap that breaks the page."""
    made: Examined = examined(example, candidate, rows)
    read(write_report(made.evaluation, tmp_path))
