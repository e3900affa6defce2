"""The report of a diagnosis: one HTML file, with a waterfall of the loss and the features then and now."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from timonel.cli.diagnose_case import Asked
from timonel.diagnosis import Diagnosis
from timonel.diagnosis.rows import PARTS, numbers, plain
from timonel.diagnosis.words import ACTIONS, TONES, loss, verdict
from timonel.monitor.report.diagnosed import finding
from timonel.monitor.report.histogram import histogram
from timonel.monitor.report.markup import Markup, shortened, tag
from timonel.monitor.report.style import STYLE
from timonel.monitor.report.view import Histogram
from timonel.monitor.report.waterfall import FALL, waterfall
from timonel.reference.bins import NumericBins

MOST_PICTURES = 4
BARS = 16


def page(asked: Asked, found: Diagnosis) -> str:
    """The whole file; all that comes from the data is escaped."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("title", f"{shortened(asked.model)}: diagnosis"),
        tag("style", Markup(STYLE)),
    )
    parts = [_header(asked), _verdict(found), _fall(found)]
    parts += [tag("section", finding(f), class_="card") for f in found.findings]
    parts += [*_pictures(asked, found), *_missing(found)]
    return f"<!doctype html>{tag('html', head, tag('body', tag('main', *parts)), lang='en')}"


def _header(asked: Asked) -> Markup:
    span = (
        f"{asked.rows[1]:,} predictions from {asked.start:%d %b %Y %H:%M} to {asked.end:%d %b %H:%M}"
        f" UTC, beside {asked.rows[0]:,} before"
    )
    return tag("header", tag("h1", f"{shortened(asked.model, 60)}: diagnosis"), tag("span", span))


def _verdict(found: Diagnosis) -> Markup:
    since = f"Since {found.onset:%d %b %Y %H:%M} UTC. " if found.onset else ""
    return tag(
        "section",
        tag("div", found.state.value.replace("_", " "), class_="word"),
        tag(
            "div",
            tag("div", verdict(found), class_="said"),
            tag("p", f"{since}Log-loss {loss(found)}."),
            tag("p", tag("b", "To do: "), f"{ACTIONS[found.action]}."),
        ),
        class_=f"card verdict {TONES[found.state]}",
    )


def _fall(found: Diagnosis) -> Markup | None:
    drawn = waterfall(found)
    return tag("section", tag("h2", FALL), drawn, class_="card") if drawn else None


def _pictures(asked: Asked, found: Diagnosis) -> Iterator[Markup]:
    names = dict.fromkeys(name for f in found.findings for name in f.scope.columns)
    sides = asked.case.reference, asked.case.current
    held = [n for n in names if n not in PARTS and all(n in t.column_names for t in sides)]
    figures = [histogram(_shares(name, *sides)) for name in held[:MOST_PICTURES]]
    if figures:
        head = tag("h2", "Then and now")
        key = tag("p", "Filled bars are now, the outline is before.", class_="note")
        yield tag("section", head, key, tag("div", *figures, class_="histograms"), class_="card")


def _shares(name: str, before: pa.Table, now: pa.Table) -> Histogram:
    kinds = [plain(table[name]).type for table in (before, now)]
    if any(pa.types.is_string(kind) or pa.types.is_large_string(kind) for kind in kinds):
        return _category_shares(name, before, now)
    values = [numbers(table, name, table.num_rows) for table in (before, now)]
    both = np.concatenate(values)
    bins = NumericBins.fit(name, both[:: max(1, len(both) // 50_000)])
    edges = bins.edges[:: max(1, len(bins.edges) // BARS)]
    labels = [f"<{edges[0]:.3g}", *(f"{e:.3g}" for e in edges)] if len(edges) else ["all"]
    counts = [
        _counts(np.searchsorted(edges, v, side="right"), np.isnan(v), len(labels)) for v in values
    ]
    return _histogram(name, (*labels, "missing"), counts)


def _counts(at: np.ndarray, missing: np.ndarray, size: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.bincount(np.where(missing, size, at), minlength=size + 1)


def _category_shares(name: str, before: pa.Table, now: pa.Table) -> Histogram:
    found = [
        {
            str(c["values"]): c["counts"]
            for c in plain(t[name]).cast(pa.string()).value_counts().to_pylist()
        }
        for t in (before, now)
    ]
    total = {k: found[0].get(k, 0) + found[1].get(k, 0) for k in {**found[0], **found[1]}}
    labels = tuple(sorted(total, key=lambda k: -total[k])[:BARS])
    return _histogram(name, labels, [np.array([f.get(k, 0) for k in labels]) for f in found])


def _histogram(name: str, labels: tuple[str, ...], counts: list[np.ndarray]) -> Histogram:  # type: ignore[type-arg]
    sizes = [int(c.sum()) for c in counts]
    shares = [tuple((c / max(1, n)).tolist()) for c, n in zip(counts, sizes, strict=True)]
    apart = sum(abs(a - b) for a, b in zip(*shares, strict=True)) / 2
    return Histogram(name, labels, shares[0], shares[1], sizes[0], sizes[1], apart, "TV")


def _missing(found: Diagnosis) -> Iterator[Markup]:
    if found.missing:
        items = (tag("li", text) for text in found.missing)
        yield tag("section", tag("h2", "What could not be asked"), tag("ul", *items), class_="card")
