"""A deployed API: its routes, their authorizers, and its CORS settings, from whatever document."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from fastapi_cognito_guard.deploy.definition.options import ApiKind
from fastapi_cognito_guard.deploy.drift.values import Unknown, Value
from fastapi_cognito_guard.deploy.path_index import PathIndex
from fastapi_cognito_guard.deploy.paths import GatewayPath, format_path, is_greedy, is_variable

AuthorizerKind = Literal["cognito", "jwt", "lambda", "iam", "unknown"]

ANY = "ANY"
_EVERYTHING: GatewayPath = ("{rest+}",)
_LITERAL, _VARIABLE, _GREEDY, _DEFAULT = range(4)


class TrustedIssuer(NamedTuple):
    """An issuer that a JWT authorizer trusts. ``audiences`` is None if the document names none.

    ``claims``  names of further claims that a REST API compares, each with the values that pass
    """

    issuer: Value
    audiences: tuple[Value, ...] | None
    claims: tuple[tuple[str, tuple[Value, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizer:
    """An authorizer of the API.

    ``pools``     ARNs of a Cognito authorizer
    ``issuers``   of a JWT authorizer
    ``function``  URI by which a Lambda authorizer is invoked
    ``sources``   identity sources, as the gateway spells them: ``method.request.header.Authorization``
    ``ttl``       seconds for which decisions are cached; None if the document does not say
    ``simple``    true if a Lambda authorizer answers with true or false instead of a policy
    ``reason``    why the kind is unknown
    """

    name: str
    kind: AuthorizerKind
    pools: tuple[Value, ...] = ()
    issuers: tuple[TrustedIssuer, ...] = ()
    function: Value | None = None
    sources: tuple[Value, ...] = ()
    ttl: int | Unknown | None = None
    simple: bool | Unknown = False
    reason: str = ""


class DeployedCors(NamedTuple):
    """CORS settings with which a gateway answers preflights itself; None for what is not known."""

    origins: tuple[Value, ...]
    methods: tuple[Value, ...]
    headers: tuple[Value, ...]
    credentials: bool | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedRoute:
    """A route of the gateway. Without an authorizer it is open.

    ``path``     None for ``$default``, which takes what no other route takes
    ``method``   one, or ``ANY``
    ``api_key``  true if callers need an API key, too
    ``answers``  CORS headers that the gateway itself answers with, without the app
    """

    path: GatewayPath | None
    method: str
    authorizer: Authorizer | None = None
    scopes: tuple[Value, ...] = ()
    api_key: bool | Unknown = False
    answers: DeployedCors | None = None

    def __str__(self) -> str:
        return "$default" if self.path is None else f"{self.method} {format_path(self.path)}"

    @property
    def is_catch_all(self) -> bool:
        """True for ``$default`` and for a path that ends with a greedy variable."""
        return self.path is None or any(map(is_greedy, self.path[-1:]))

    @property
    def shape(self) -> GatewayPath | None:
        """The path without the names of its variables."""
        return None if self.path is None else find_shape(self.path)

    def takes(self, path: GatewayPath) -> bool:
        """Return True if every request to a gateway's path matches the path of this route."""
        if self.path is None:
            return True
        for index, segment in enumerate(self.path):
            if index >= len(path):
                return False
            if is_greedy(segment):
                return any(path[index:])
            if is_greedy(path[index]) or not _covers(segment, path[index]):
                return False
        return len(path) == len(self.path)

    @property
    def rank(self) -> tuple[Sequence[int], bool]:
        """Sort key: the route that a gateway prefers comes first."""
        ranks = [_DEFAULT] if self.path is None else [_rank(segment) for segment in self.path]
        return ranks, self.method == ANY


@dataclass(frozen=True, kw_only=True)
class DeployedApi:
    """An API as a document describes it.

    ``cors``      settings of an HTTP API, or None
    ``gaps``      parts of the document that could not be read, each as a sentence
    ``declares``  true if the document has an authorizer, also one that no route has
    """

    name: str
    kind: ApiKind
    routes: tuple[DeployedRoute, ...]
    cors: DeployedCors | Unknown | None = None
    gaps: tuple[str, ...] = ()
    declares: bool = False

    def list_routes_for(self, path: GatewayPath) -> list[DeployedRoute]:
        """Return the routes that take all requests to a path, the preferred one first."""
        near = self._index.find_near(path)
        return sorted((each for each in near if each.takes(path)), key=lambda each: each.rank)

    def choose(self, routes: Sequence[DeployedRoute], method: str) -> DeployedRoute | None:
        """Return the first route that takes the method.

        An HTTP API matches path and method together. A REST API finds the path first, and then the method.
        """
        if self.kind == "rest":
            routes = [each for each in routes if each.shape == routes[0].shape]
        return next((each for each in routes if each.method in (method, ANY)), None)

    @cached_property
    def _index(self) -> PathIndex[DeployedRoute]:
        return PathIndex(self.routes, lambda each: _EVERYTHING if each.path is None else each.path)

    @property
    def has_authorizers(self) -> bool:
        """True if the gateway is meant to check: some route has an authorizer, or had one."""
        return self.declares or any(each.authorizer is not None for each in self.routes)


def parse_route_path(path: str, *, keep_slash: bool) -> GatewayPath:
    """Return the segments of a gateway's path. ``keep_slash``: False for a REST API, which ignores it."""
    segments = tuple(path.split("/")[1:])
    if segments == ("",) or (not keep_slash and len(segments) > 1 and segments[-1] == ""):
        segments = segments[:-1]
    return segments


def find_shape(path: GatewayPath) -> GatewayPath:
    """Return a path without the names of its variables, by which a gateway tells no paths apart."""
    return tuple(each if not is_variable(each) else "{+}" if is_greedy(each) else "{}" for each in path)


def intersect_paths(path: GatewayPath, other: GatewayPath) -> GatewayPath | None:
    """Return the path of the requests that match both; None if there are none."""
    both: list[str] = []
    for index in range(max(len(path), len(other))):
        here, there = path[index : index + 1], other[index : index + 1]
        if not here or not there:
            return None
        if is_greedy(here[0]) or is_greedy(there[0]):
            return (*both, *(other if is_greedy(here[0]) else path)[index:])
        if not is_variable(here[0]) and not is_variable(there[0]) and here != there:
            return None
        both.append(there[0] if is_variable(here[0]) else here[0])
    return tuple(both)


def _covers(segment: str, other: str) -> bool:
    return (other != "") if is_variable(segment) else segment == other


def _rank(segment: str) -> int:
    return _GREEDY if is_greedy(segment) else _VARIABLE if is_variable(segment) else _LITERAL
