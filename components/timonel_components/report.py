"""The evaluation as a page that a person reads: one HTML file that needs no other."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from timonel.files import write_text
from timonel_components.evaluation.drawing import inline
from timonel_components.evaluation.gates import GateReport, GateResult
from timonel_components.evaluation.pictures import pictures
from timonel_components.evaluation.result import Estimate, Evaluation

PAGE = "report.html"


def write_report(evaluation: Evaluation, directory: Path, gates: GateReport | None = None) -> Path:
    """Write report.html, the pictures as SVG, evaluation.json and the gates; returns the page."""
    drawn = pictures(evaluation)
    directory.mkdir(parents=True, exist_ok=True)
    for name, picture in drawn.items():
        write_text(directory / f"{name}.svg", picture)
    evaluation.save(directory / "evaluation.json")
    write_text(directory / PAGE, render(evaluation, drawn, gates))
    if gates is not None and gates.results:
        write_text(directory / "gates.html", gates_html(gates, evaluation.model))
        write_text(directory / "gates.md", gates_markdown(gates, evaluation.model))
    return directory / PAGE


def render(evaluation: Evaluation, drawn: dict[str, str], gates: GateReport | None) -> str:
    """The page; whatever comes from the data is escaped."""
    # the pictures are our own SVG, in which matplotlib has escaped the names
    safe = {name: Markup(inline(picture)) for name, picture in drawn.items()}  # noqa: S704
    return _page("report.html.j2").render(e=evaluation, pictures=safe, gates=gates)


def gates_html(gates: GateReport, model: str) -> str:
    """The gates as a page."""
    return _page("gates.html.j2").render(gates=gates, model=model)


def gates_markdown(gates: GateReport, model: str) -> str:
    """The gates as Markdown: what fails first."""
    results = sorted(gates.results, key=lambda g: g.passed)
    counted = f"{len(results) - len(gates.failures)} of {len(results)} gates hold"
    lines = [
        f"- {'holds' if g.passed else '**FAILS**'} {g.kind.replace('_', ' ')}: {_told(g)}"
        for g in results
    ]
    return "\n".join([f"# {model}: {counted}", "", *lines, ""])


def _page(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("timonel_components", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"value": _value, "interval": _interval, "told": _told}
    return environment.get_template(name)


def _told(gate: GateResult) -> str:
    return gate.sentence or str(gate)


def _value(found: Estimate) -> str:
    return "undefined" if found.value is None else f"{found.value:.4g}"


def _interval(found: Estimate) -> str:
    if found.value is None:
        return found.reason or ""
    return "" if found.low is None else f"{found.low:.4g} to {found.high:.4g}"
