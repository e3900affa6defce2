"""HTML and SVG, built so that what comes from the data is always escaped."""

from html import escape
from typing import Any


class Markup(str):
    """Text that is HTML already; any other text is escaped where it is put."""

    __slots__ = ()

    def __html__(self) -> str:
        """Templates (Jinja) take it as it is, too."""
        return self


VOID = frozenset({"meta", "line", "rect", "path", "polyline", "polygon", "br", "circle"})


def tag(name: str, /, *children: str | None, **attributes: Any) -> Markup:
    """An element. `class_` and `data_x` stand for class and data-x; None leaves out, floats are shortened."""
    written = "".join(
        f' {_name(key)}="{escape(_text(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID and not children:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str | None) -> Markup:
    """Children in a row; None is nothing."""
    return Markup(
        "".join(c if isinstance(c, Markup) else escape(c) for c in children if c is not None)
    )


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-") if key != "viewBox" else key


def _text(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def shortened(text: str, length: int = 40) -> str:
    """A name that fits; the whole of it belongs in a title."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
