"""Paths as a gateway can say them: whole segments, variables, and a greedy one that takes all the rest."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from starlette.routing import compile_path

from fastapi_cognito_guard.errors import ConfigurationError

GatewayPath = tuple[str, ...]
"""Segments as a gateway writes them: ``orders``, ``{id}``, and last ``{rest+}``. None at all is ``/``."""

_VARIABLE = re.compile(r"{([a-zA-Z_][a-zA-Z0-9_]*)(?::[a-zA-Z_][a-zA-Z0-9_]*)?}")
_LITERAL = re.compile(r"[A-Za-z0-9_.,:-]*")
_ANYTHING = "[^/]+"  # the converter of a variable that names none


class Part(NamedTuple):
    """One segment of an app's path, or with a greedy one all the rest.

    ``said``    the segment as a gateway writes it
    ``regex``   what the app takes there
    ``exact``   whether the gateway takes there what the app takes, and nothing more
    """

    said: str
    regex: re.Pattern[str]
    exact: bool

    def meets(self, said: str) -> bool:
        """Whether some text fits here and in a gateway's segment; where that is unclear, it counts as so."""
        return is_variable(said) or self.takes(said)

    def covers(self, said: str) -> bool:
        """Whether all that a gateway takes in this segment fits here."""
        if is_greedy(said) and not is_greedy(self.said):
            return False
        if is_variable(said):
            return self.exact and is_variable(self.said)
        return self.takes(said)

    def takes(self, text: str) -> bool:
        """Whether the app takes this text here."""
        return self.regex.fullmatch(f"/{text}") is not None


class Pattern(NamedTuple):
    """A path of an app: what it matches, and the nearest that a gateway can say.

    ``without_slash``  whether the gateway does not see the slash at its end
    """

    parts: tuple[Part, ...]
    without_slash: bool

    @property
    def said(self) -> GatewayPath:
        """The nearest path at a gateway: it takes at least what the app's path takes."""
        return tuple(part.said for part in self.parts)

    def meets(self, path: GatewayPath) -> bool:
        """Whether some request fits both."""
        return self._fits(path, covering=False)

    def covers(self, path: GatewayPath) -> bool:
        """Whether every request to the gateway's path fits the app's."""
        return not self.without_slash and self._fits(path, covering=True)

    def part_in(self, entry: str, *, slash_at_end: bool) -> GatewayPath | None:
        """What of this lies in a subtree ``/a/*``, or is one path ``/a``; None for nothing."""
        literal = parse(entry.removesuffix("/*"), slash_at_end=slash_at_end).said
        if not entry.endswith("/*"):
            return literal if self.covers(literal) else None
        for index, (segment, said) in enumerate(zip(literal, self.said, strict=False)):
            if is_greedy(said):
                return (*literal[:index], *literal[index:], said)
            if not self.parts[index].meets(segment):
                return None
        return (*literal, *self.said[len(literal) :]) if len(self.said) > len(literal) else None

    def _fits(self, path: GatewayPath, *, covering: bool) -> bool:
        for index, part in enumerate(self.parts):
            if index >= len(path):
                return not path and is_greedy(part.said) and part.takes("")
            if is_greedy(part.said):
                return _rest_fits(part, path[index:], covering=covering)
            if not (part.covers(path[index]) if covering else part.meets(path[index])):
                return False
            if is_greedy(path[index]):
                return True
        return len(path) == len(self.parts)


def _rest_fits(part: Part, rest: GatewayPath, *, covering: bool) -> bool:
    if any(map(is_variable, rest)):
        return part.exact or not covering
    return part.takes("/".join(rest))


def is_variable(said: str) -> bool:
    """Whether a gateway's segment takes more than itself."""
    return said.startswith("{")


def is_greedy(said: str) -> bool:
    """Whether it takes all the rest."""
    return said.endswith("+}")


def is_preferred(path: GatewayPath, over: GatewayPath) -> bool:
    """Whether a gateway chooses ``path`` where both fit: the first more specific segment decides."""
    for one, other in zip(path, over, strict=False):
        if _rank(one) != _rank(other):
            return _rank(one) < _rank(other)
    return False


def _rank(said: str) -> int:
    return is_variable(said) + is_greedy(said)


def text_of(path: GatewayPath) -> str:
    """``/orders/{id}``."""
    return "/" + "/".join(path)


def parse(path: str, *, slash_at_end: bool) -> Pattern:
    """An app's path, converters and all: ``/files/{name:path}``.

    ``slash_at_end``: whether the gateway tells ``/orders/`` from ``/orders``. Raises `ConfigurationError`
    for one with characters that a gateway does not take.
    """
    segments = path.split("/")[1:]
    without_slash = len(segments) > 1 and segments[-1] == "" and not slash_at_end
    if without_slash or segments == [""]:
        segments.pop()
    parts: list[Part] = []
    for index, segment in enumerate(segments):
        part = _part(segment, path)
        if is_greedy(part.said):
            regex, _, _ = compile_path("/" + "/".join(segments[index:]))
            last = index == len(segments) - 1
            return Pattern((*parts, part._replace(regex=regex, exact=part.exact and last)), without_slash)
        parts.append(part)
    return Pattern(tuple(parts), without_slash)


def _part(segment: str, path: str) -> Part:
    # Without the slash, it would be read as a host.
    regex, _, converters = compile_path(f"/{segment}")
    if not converters:
        if not _LITERAL.fullmatch(segment):
            _, path_format, _ = compile_path(path)
            raise ConfigurationError(
                f"{path}: a gateway takes letters, digits and -_.,: in a path, and {segment!r} has others. "
                f'Rename it, or let the gateway not know it: leave_out=["{path_format}"].'
            )
        return Part(segment, regex, exact=True)
    name, converter = next(iter(converters.items()))
    whole = _VARIABLE.fullmatch(segment) is not None
    if any(re.fullmatch(each.regex, "a/b") for each in converters.values()):
        return Part(f"{{{name}+}}", regex, exact=whole)
    return Part(f"{{{name}}}", regex, exact=whole and converter.regex == _ANYTHING)


class Names:
    """One name for the variable at each place: a gateway takes only one for all the paths through it."""

    def __init__(self, *, tree: bool) -> None:
        """``tree``: whether a place has one variable, greedy or not, as in a REST API."""
        self._tree = tree
        self._known: dict[tuple[GatewayPath, bool], str] = {}

    def unify(self, path: Iterable[str]) -> GatewayPath:
        """The path with the names that were there first.

        Raises `ConfigurationError` where a REST API would need both ``{id}`` and ``{rest+}`` in one place.
        """
        known: GatewayPath = ()
        for said in path:
            known = (*known, self._known_name(known, said) if is_variable(said) else said)
        return known

    def _known_name(self, before: GatewayPath, said: str) -> str:
        other = self._known.get((before, not is_greedy(said)))
        if self._tree and other is not None:
            raise ConfigurationError(
                f"{text_of((*before, other))} and {text_of((*before, said))} have variables of two kinds in "
                'one place, which a REST API does not take: change one path, or export kind="http".'
            )
        return self._known.setdefault((before, is_greedy(said)), _apart(said, before))


def _apart(said: str, before: GatewayPath) -> str:
    """No name twice in one path."""
    taken = {text.strip("{+}") for text in before if is_variable(text)}
    name, end = said.strip("{+}"), "+}" if is_greedy(said) else "}"
    number = 1
    while (numbered := name if number == 1 else f"{name}_{number}") in taken:
        number += 1
    return f"{{{numbered}{end}"
