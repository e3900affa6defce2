"""A property that is worked out once: `functools.cached_property` without its lock, which 3.12 dropped."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Two threads may both work it out; what they find is the same."""

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute, self._name = compute, compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, instance: object, owner: type | None = None) -> Value:
        found = instance.__dict__[self._name] = self._compute(instance)
        return found
