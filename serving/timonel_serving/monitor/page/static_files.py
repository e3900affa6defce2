"""The page's own files: read once, named by their content so that a browser keeps them."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from timonel.monitor.report.style import STYLE

OWN = ("page.css", "page.js", "theme.js", "icon.svg")
UPLOT = "uplot-1.6.32"
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file with its type and the address that changes with its content."""

    body: bytes
    kind: str
    address: str


@cache
def static_files() -> dict[str, File]:
    """All of them by name; the report's styles are served as one."""
    folder = files("timonel_serving.monitor.page") / "static"
    read = {name: (folder / name).read_bytes() for name in OWN}
    vendored = ("uPlot.iife.min.js", "uPlot.min.css")
    read |= {name: (folder / UPLOT / name).read_bytes() for name in vendored}
    read["report.css"] = STYLE.encode()
    return {name: _file(name, body) for name, body in read.items()}


def _file(name: str, body: bytes) -> File:
    kind = KINDS[name[name.rindex(".") :]]
    return File(body, kind, f"static/{name}?v={sha256(body).hexdigest()[:12]}")
