"""Figures that are computed when they are asked for: most questions are about a few of them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from timonel.performance.value import Measured

Window = TypeVar("Window")


class Deferred(Mapping[str, Measured]):
    """Figures by name, in the order of the names; each is computed when it is first read, and kept.

    It reads as a dict of them does. What the figures rest on must not change meanwhile.
    """

    __slots__ = ("_ask", "_found", "_names")

    def __init__(self, names: Mapping[str, Any], ask: Callable[[str], Measured]) -> None:
        """The keys of `names` are the figures that there are; `ask` computes one."""
        self._names, self._ask = names, ask
        self._found: dict[str, Measured] = {}

    def __getitem__(self, name: str) -> Measured:
        found = self._found.get(name)
        if found is None:
            if name not in self._names:
                raise KeyError(name)
            found = self._found[name] = self._ask(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type, tuple[dict[str, Measured]]]:
        return dict, (dict(self),)


def from_table(table: Mapping[str, Callable[[Window], Measured]], window: Window) -> Deferred:
    """The figures of a table of functions, all of the same window."""
    return Deferred(table, lambda name: table[name](window))


def together(names: Mapping[str, Any], compute: Callable[[], Mapping[str, Measured]]) -> Deferred:
    """Figures that come all at once, when the first of them is read."""
    whole: list[Mapping[str, Measured]] = []

    def ask(name: str) -> Measured:
        if not whole:
            whole.append(compute())
        return whole[0][name]

    return Deferred(names, ask)


class Layers(Mapping[str, Measured]):
    """Several mappings read as one; of a name that several have, the last one's figure stands."""

    __slots__ = ("_layers",)

    def __init__(self, *layers: Mapping[str, Measured]) -> None:
        self._layers: list[Mapping[str, Measured]] = []  # the last one first, as they are searched
        for layer in layers:
            if isinstance(layer, Layers):
                self._layers += reversed(layer._layers)
            elif layer:
                self._layers.append(layer)
        self._layers.reverse()

    def __getitem__(self, name: str) -> Measured:
        for layer in self._layers:
            if name in layer:
                return layer[name]
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(name in layer for layer in self._layers)

    def __iter__(self) -> Iterator[str]:
        return iter({name: None for layer in reversed(self._layers) for name in layer})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type, tuple[dict[str, Measured]]]:
        return dict, (dict(self),)
