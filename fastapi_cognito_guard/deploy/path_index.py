"""Values by the gateway path that they have, so that a path need not be compared with all others."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, takewhile
from typing import Generic, TypeVar

from fastapi_cognito_guard.deploy.paths import GatewayPath, is_greedy, is_variable

Value = TypeVar("Value")


class _Node(Generic[Value]):
    """Place in the tree of paths. ``rest`` are the values whose path ends here with a greedy variable."""

    def __init__(self) -> None:
        self.literals: dict[str, _Node[Value]] = {}
        self.variable: _Node[Value] | None = None
        self.own: list[tuple[int, Value]] = []
        self.rest: list[tuple[int, Value]] = []

    def add(self, path: GatewayPath, entry: tuple[int, Value]) -> None:
        """Put a value into its place below this one."""
        node = self
        for segment in path:
            if is_greedy(segment):
                node.rest.append(entry)
                return
            if not is_variable(segment):
                node = node.literals.setdefault(segment, _Node())
                continue
            if node.variable is None:
                node.variable = _Node()
            node = node.variable
        node.own.append(entry)

    def find(self, path: GatewayPath) -> Iterator[tuple[int, Value]]:
        """Find the values here and below whose path may have a request in common with this one."""
        yield from self.rest
        if not path:
            yield from self.own
        elif is_greedy(path[0]):
            yield from self.list_all()
        else:
            for child in self._list_children(path[0]):
                yield from child.find(path[1:])

    def list_all(self) -> Iterator[tuple[int, Value]]:
        """List the values here and below."""
        yield from (*self.own, *self.rest)
        for child in self._list_children("{}"):
            yield from child.list_all()

    def _list_children(self, segment: str) -> "Iterator[_Node[Value]]":
        if is_variable(segment):
            yield from self.literals.values()
        elif segment in self.literals:
            yield self.literals[segment]
        if self.variable is not None:
            yield self.variable


class PathIndex(Generic[Value]):
    """Values by path, in their order."""

    def __init__(self, values: Iterable[Value], path: Callable[[Value], GatewayPath]) -> None:
        """``path`` returns the path of a value."""
        self._root: _Node[Value] = _Node()
        for entry in enumerate(values):
            self._root.add(path(entry[1]), entry)

    def find_near(self, path: GatewayPath) -> list[Value]:
        """Return the values whose path may have a request in common with this one, and perhaps a few more."""
        found = dict(self._root.find(path))
        return [found[number] for number in sorted(found)]


class PrefixIndex(Generic[Value]):
    """Values by the literal segments at the start of their path, for patterns whose star matches slashes.

    Two of them can match only if one start is a start of the other: a star follows it.
    """

    def __init__(self, values: Iterable[Value], path: Callable[[Value], GatewayPath]) -> None:
        """``path`` returns the path of a value."""
        self._exact: dict[GatewayPath, list[tuple[int, Value]]] = {}
        self._below: dict[GatewayPath, list[tuple[int, Value]]] = {}
        for entry in enumerate(values):
            prefix = _find_prefix(path(entry[1]))
            self._exact.setdefault(prefix, []).append(entry)
            for end in range(len(prefix) + 1):
                self._below.setdefault(prefix[:end], []).append(entry)

    def find_near(self, path: GatewayPath) -> list[Value]:
        """Return the values whose path may match this one, or be matched by it, and perhaps a few more."""
        prefix = _find_prefix(path)
        above = (self._exact.get(prefix[:end], ()) for end in range(len(prefix)))
        found = dict(chain(*above, self._below.get(prefix, ())))
        return [found[number] for number in sorted(found)]


def _find_prefix(path: GatewayPath) -> GatewayPath:
    return tuple(takewhile(lambda segment: not is_variable(segment), path))
