"""Paths as a gateway writes them: literal segments, variables, and a greedy variable for all the rest."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from starlette.routing import compile_path

from fastapi_cognito_guard.errors import ConfigurationError

GatewayPath = tuple[str, ...]
"""Segments as a gateway writes them: ``orders``, ``{id}``, and last ``{rest+}``. An empty tuple is ``/``."""

_VARIABLE = re.compile(r"{([a-zA-Z_][a-zA-Z0-9_]*)(?::[a-zA-Z_][a-zA-Z0-9_]*)?}")
_LITERAL = re.compile(r"[A-Za-z0-9_.,:-]*")
_DEFAULT_CONVERTER = "[^/]+"  # of a variable that names no converter


class PathSegment(NamedTuple):
    """One segment of an app's path, or with a greedy variable all the rest.

    ``gateway_segment``  the same segment as a gateway writes it
    ``regex``            matches the texts that the app takes there
    ``exact``            True if the gateway takes there the same texts as the app, and no others
    """

    gateway_segment: str
    regex: re.Pattern[str]
    exact: bool

    def overlaps(self, segment: str) -> bool:
        """Return True if some text may match this and a gateway's segment."""
        # Two variables may have no text in common. They count as overlapping: the safe side.
        return is_variable(segment) or self.matches(segment)

    def covers(self, segment: str) -> bool:
        """Return True if every text that a gateway takes at its segment matches this one."""
        if is_greedy(segment) and not is_greedy(self.gateway_segment):
            return False
        if is_variable(segment):
            return self.exact and is_variable(self.gateway_segment)
        return self.matches(segment)

    def matches(self, text: str) -> bool:
        """Return True if the app takes this text here."""
        return self.regex.fullmatch(f"/{text}") is not None


class PathPattern(NamedTuple):
    """A path of an app, and the nearest path that a gateway can express.

    ``drops_slash``  True if the path ends with a slash that the gateway does not see
    """

    segments: tuple[PathSegment, ...]
    drops_slash: bool

    @property
    def gateway_path(self) -> GatewayPath:
        """Nearest path at a gateway. It takes at least the requests that the app's path takes."""
        return tuple(segment.gateway_segment for segment in self.segments)

    def overlaps(self, path: GatewayPath) -> bool:
        """Return True if some request may match this and the gateway's path."""
        return self._compare(path, covering=False)

    def covers(self, path: GatewayPath) -> bool:
        """Return True if every request to the gateway's path matches this path of the app."""
        return not self.drops_slash and self._compare(path, covering=True)

    def intersect(self, entry: str, *, keep_slash: bool) -> GatewayPath | None:
        """Return the path of the requests that match this and ``entry``: ``/a``, or a subtree ``/a/*``.

        None if there are no such requests.
        """
        parsed = parse_path(entry.removesuffix("/*"), keep_slash=keep_slash)
        literal, path = parsed.gateway_path, self.gateway_path
        if not entry.endswith("/*"):
            takes_end = parsed.drops_slash or not self.drops_slash
            return literal if takes_end and self._compare(literal, covering=True) else None
        for index, (text, segment) in enumerate(zip(literal, path, strict=False)):
            if is_greedy(segment):
                return (*literal, segment)
            if not self.segments[index].overlaps(text):
                return None
        if len(path) == len(literal):
            return literal if self.drops_slash else None  # /a/ is in /a/*, and /a is not
        return (*literal, *path[len(literal) :]) if len(path) > len(literal) else None

    def _compare(self, path: GatewayPath, *, covering: bool) -> bool:
        for index, segment in enumerate(self.segments):
            if index >= len(path):
                return not path and is_greedy(segment.gateway_segment) and segment.matches("")
            if is_greedy(segment.gateway_segment):
                return _compare_rest(segment, path[index:], covering=covering)
            if not (segment.covers(path[index]) if covering else segment.overlaps(path[index])):
                return False
            if is_greedy(path[index]):
                return True
        return len(path) == len(self.segments)


def _compare_rest(greedy: PathSegment, rest: GatewayPath, *, covering: bool) -> bool:
    if any(map(is_variable, rest)):
        return greedy.exact or not covering
    return greedy.matches("/".join(rest))


def is_variable(segment: str) -> bool:
    """Return True if a gateway's segment is a variable, greedy or not."""
    return segment.startswith("{")


def is_greedy(segment: str) -> bool:
    """Return True if a gateway's segment takes all the rest of a path."""
    return segment.endswith("+}")


def is_preferred(path: GatewayPath, over: GatewayPath) -> bool:
    """Return True if a gateway chooses ``path`` for a request that matches both.

    The first segment that is more specific in one of them decides.
    """
    for segment, other in zip(path, over, strict=False):
        if _rank(segment) != _rank(other):
            return _rank(segment) < _rank(other)
    return False


def _rank(segment: str) -> int:
    """Return 0 for a literal, 1 for a variable, 2 for a greedy one."""
    return is_variable(segment) + is_greedy(segment)


def format_path(path: GatewayPath) -> str:
    """Return the path as text: ``/orders/{id}``."""
    return "/" + "/".join(path)


def parse_path(path: str, *, keep_slash: bool) -> PathPattern:
    """Parse an app's path, with its converters: ``/files/{name:path}``.

    ``keep_slash``: True if the gateway tells ``/orders/`` from ``/orders``. Raises `ConfigurationError` for
    characters that a gateway does not take.
    """
    texts = path.split("/")[1:]
    drops_slash = len(texts) > 1 and texts[-1] == "" and not keep_slash
    if drops_slash or texts == [""]:
        texts.pop()
    segments: list[PathSegment] = []
    for index, text in enumerate(texts):
        segment = _parse_segment(text, path)
        if is_greedy(segment.gateway_segment):
            regex, _, _ = compile_path("/" + "/".join(texts[index:]))
            exact = segment.exact and index == len(texts) - 1
            return PathPattern((*segments, segment._replace(regex=regex, exact=exact)), drops_slash)
        segments.append(segment)
    return PathPattern(tuple(segments), drops_slash)


def _parse_segment(text: str, path: str) -> PathSegment:
    # compile_path takes a text without a leading slash for a host.
    regex, _, converters = compile_path(f"/{text}")
    if not converters:
        _check_literal(text, path)
        return PathSegment(text, regex, exact=True)
    name, converter = next(iter(converters.items()))
    whole = _VARIABLE.fullmatch(text) is not None
    if any(re.fullmatch(each.regex, "a/b") for each in converters.values()):
        return PathSegment(f"{{{name}+}}", regex, exact=whole)
    return PathSegment(f"{{{name}}}", regex, exact=whole and converter.regex == _DEFAULT_CONVERTER)


def _check_literal(text: str, path: str) -> None:
    if not _LITERAL.fullmatch(text):
        _, path_format, _ = compile_path(path)
        raise ConfigurationError(
            f"{path}: a gateway takes letters, digits and -_.,: in a path, and {text!r} has others. "
            f'Rename it, or leave the path out of the definition: leave_out=["{path_format}"].'
        )


class VariableNames:
    """Variable names by place: a gateway takes one name for a variable in all the paths through its place."""

    def __init__(self, *, tree: bool) -> None:
        """``tree``: True if a place has one variable, greedy or not, as in a REST API."""
        self._tree = tree
        self._known: dict[tuple[GatewayPath, bool], str] = {}

    def unify(self, path: Iterable[str]) -> GatewayPath:
        """Return the path with the variable names that were used first in each place.

        Raises `ConfigurationError` if a REST API would need both ``{id}`` and ``{rest+}`` in one place.
        """
        unified: GatewayPath = ()
        for segment in path:
            unified = (*unified, self._find_variable(unified, segment) if is_variable(segment) else segment)
        return unified

    def _find_variable(self, before: GatewayPath, variable: str) -> str:
        other = self._known.get((before, not is_greedy(variable)))
        if self._tree and other is not None:
            raise ConfigurationError(
                f"{format_path((*before, other))} and {format_path((*before, variable))} have a plain and a "
                "greedy variable in one place, which a REST API does not take: change one path, or export "
                'kind="http".'
            )
        return self._known.setdefault((before, is_greedy(variable)), _rename_if_taken(variable, before))


def _rename_if_taken(variable: str, before: GatewayPath) -> str:
    """Return the variable, with a number if another one before it has the same name."""
    taken = {segment.strip("{+}") for segment in before if is_variable(segment)}
    name, end = variable.strip("{+}"), "+}" if is_greedy(variable) else "}"
    number = 1
    while (numbered := name if number == 1 else f"{name}_{number}") in taken:
        number += 1
    return f"{{{numbered}{end}"
