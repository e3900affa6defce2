"""How Timonel's pictures look: one ink, one accent, one contrast; a page may swap them for its own.

Pictures are drawn in the light colours below. In a page, each colour becomes the CSS variable of its
name, so that the same picture fits a dark page.
"""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, GRID, SURFACE = "#1d2b36", "#64748b", "#dde3e9", "#fefefe"
ACCENT, CONTRAST, SOFT = "#0f7b8a", "#d9622b", "#a9d5db"
SERIES = (ACCENT, CONTRAST, "#7a5cc9", "#b8860b", "#3a7d44", "#c2417d", "#4b6fd6", "#8a6d5a")
"""Colours of classes, in order."""

_NAMES = {"ink": INK, "muted": MUTED, "grid": GRID, "surface": SURFACE}
_NAMES |= {"accent": ACCENT, "contrast": CONTRAST, "soft": SOFT}

_STYLE: Any = {  # matplotlib types the names of its settings one by one
    "text.parse_math": False,  # names come from the data: a dollar sign is a dollar sign
    "svg.fonttype": "path",
    "svg.hashsalt": "timonel",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.facecolor": SURFACE,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "figure.facecolor": SURFACE,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
}


@contextmanager
def canvas(width: float = 5.2, height: float = 4.0) -> Iterator[tuple[Figure, Axes]]:
    """A figure with one plot, in the house style; inches."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.add_subplot()


def svg(figure: Figure) -> str:
    """The picture as SVG, the same bytes for the same numbers."""
    out = io.StringIO()
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def inline(picture: str) -> str:
    """The SVG as a part of a page: no prologue, no ids of groups, colours as CSS variables."""
    body = picture[picture.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[A-Za-z]\w*_\d+">', "<g>", body)
    for name, colour in _NAMES.items():
        body = body.replace(f": {colour}", f": var(--{name})")
    return body


def shortened(text: str, length: int = 26) -> str:
    """A name that fits beside an axis."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
