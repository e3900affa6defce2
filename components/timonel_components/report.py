"""The evaluation as a page that a person reads: one HTML file that needs no other."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from timonel.files import write_text
from timonel_components.evaluation.drawing import inline
from timonel_components.evaluation.gates import GateReport
from timonel_components.evaluation.pictures import pictures
from timonel_components.evaluation.result import Estimate, Evaluation

PAGE = "report.html"


def write_report(evaluation: Evaluation, directory: Path, gates: GateReport | None = None) -> Path:
    """Write report.html, the pictures as SVG and evaluation.json; returns the page."""
    drawn = pictures(evaluation)
    directory.mkdir(parents=True, exist_ok=True)
    for name, picture in drawn.items():
        write_text(directory / f"{name}.svg", picture)
    evaluation.save(directory / "evaluation.json")
    write_text(directory / PAGE, render(evaluation, drawn, gates))
    return directory / PAGE


def render(evaluation: Evaluation, drawn: dict[str, str], gates: GateReport | None) -> str:
    """The page; whatever comes from the data is escaped."""
    environment = Environment(
        loader=PackageLoader("timonel_components", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"value": _value, "interval": _interval}
    # the pictures are our own SVG, in which matplotlib has escaped the names
    safe = {name: Markup(inline(picture)) for name, picture in drawn.items()}  # noqa: S704
    page = environment.get_template("report.html.j2")
    return page.render(e=evaluation, pictures=safe, gates=gates)


def _value(found: Estimate) -> str:
    return "undefined" if found.value is None else f"{found.value:.4g}"


def _interval(found: Estimate) -> str:
    if found.value is None:
        return found.reason or ""
    return "" if found.low is None else f"{found.low:.4g} to {found.high:.4g}"
