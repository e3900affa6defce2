"""States and severities have a shape and a word each, not only a colour."""

from timonel.anomalies import Severity
from timonel.monitor.report.markup import Markup, tag
from timonel.monitor.report.verdict import Status

_RING = "M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z"
_STATUS = {
    Status.WELL: (_RING, "M7 12.5l3.5 3.5L17 9"),
    Status.WATCH: ("M12 2L23 21H1z", "M12 9v6M12 17.6v.6"),
    Status.DEGRADED: ("M7.5 1.5h9l6 6v9l-6 6h-9l-6-6v-9z", "M8 8l8 8M16 8l-8 8"),
    Status.NO_DATA: (_RING, "M7 12h10"),
    Status.LEARNING: (_RING, "M12 6v6l4 3"),
}
_SEVERITY = {
    Severity.PAGE: "M5 1h6l4 4v6l-4 4H5l-4-4V5z",
    Severity.TICKET: "M8 1l7.5 14H.5z",
    Severity.INFO: "M8 1a7 7 0 1 0 0 14a7 7 0 1 0 0-14z",
}


def status_icon(status: Status) -> Markup:
    """A filled shape with its sign in it."""
    shape, sign = _STATUS[status]
    return tag(
        "svg",
        tag("path", d=shape, class_="shape"),
        tag("path", d=sign, class_="sign"),
        viewBox="0 0 24 24",
        class_="icon",
        aria_hidden="true",
    )


def severity_mark(severity: Severity, cleared: bool = False) -> Markup:
    """Octagon, triangle or disc with its word; hollow once it is over."""
    icon = tag(
        "svg",
        tag("path", d=_SEVERITY[severity]),
        viewBox="0 0 16 16",
        class_="mark hollow" if cleared else "mark",
        aria_hidden="true",
    )
    word = f"{severity}, cleared" if cleared else str(severity)
    return tag("span", icon, word, class_=f"severity {severity}")
