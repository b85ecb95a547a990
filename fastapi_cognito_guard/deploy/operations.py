"""The app's routes as a gateway sees them: one operation for each path and method, decided by one route.

An app takes the first route that fits, a gateway the most specific path. Here both are asked, so that
what is exported for a path is what the app demands of the requests that a gateway finds there.
"""

from collections.abc import Callable, Collection, Hashable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from starlette.staticfiles import StaticFiles

from fastapi_cognito_guard.app.routes import OpaqueMount, RouteInfo, list_opaque_mounts, list_routes
from fastapi_cognito_guard.deploy.paths import GatewayPath, Names, Pattern, is_preferred, parse, text_of
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.middleware import is_public
from fastapi_cognito_guard.policy import Requirement

if TYPE_CHECKING:
    from fastapi import FastAPI

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""What a route that names no methods takes, as far as a gateway knows methods."""


class Ask(NamedTuple):
    """What is asked of a caller. Equal ones are decided alike.

    ``identity``  whether the caller must be known at all
    ``optional``  whether one that gives a token must give a good one
    ``iam``       whether the caller must have signed with AWS credentials
    """

    identity: bool
    optional: bool
    iam: bool
    requirements: frozenset[Requirement]

    def of(self, kind: str) -> tuple[tuple[str, ...], ...]:
        """The requirements of one kind: all of these, any one of each."""
        return tuple(sorted(each.any_of for each in self.requirements if each.kind == kind))


class Operation(NamedTuple):
    """A path and a method at a gateway, what is asked there, and the route (its text) that asks."""

    path: GatewayPath
    method: str
    ask: Ask
    route: str

    def __str__(self) -> str:
        return f"{self.method} {text_of(self.path)}"


class _Route(NamedTuple):
    methods: frozenset[str]
    pattern: Pattern
    said: GatewayPath
    demand: RouteInfo

    def __str__(self) -> str:
        return str(self.demand)


class Routes:
    """The routes of an app, in the order in which it tries them. ``idle``: what leaves nothing out.

    ``tree``       whether the gateway finds the path first and then the method, as a REST API does
    ``leave_out``  paths that the gateway is not to know, spelled as in the guard's ``public``
    """

    def __init__(
        self, app: "FastAPI", guard: CognitoGuard, *, tree: bool, leave_out: Collection[str] = ()
    ) -> None:
        self._tree = tree
        self._public = guard.public if guard.deny_by_default else None
        names = Names(tree=tree)
        found = list(_exported(app))
        kept = [demand for demand in found if not is_public(demand.path_format, leave_out)]
        self.idle = [
            entry for entry in leave_out if not any(is_public(each.path_format, [entry]) for each in found)
        ]
        self._routes = [_route(demand, names, tree=tree) for demand in kept]
        self._entries = [names.unify(path) for path in self._parts_apart(leave_out)]

    def operations(self, alike: Callable[[Ask], Hashable] = lambda ask: ask) -> list[Operation]:
        """All of them. ``alike``: what of an `Ask` a gateway can tell apart.

        Raises `ConfigurationError` where one path of the gateway stands for routes that ask differently.
        """
        paths = dict.fromkeys([*(route.said for route in self._routes), *self._entries])
        return [
            self._decide(path, method, alike)
            for path in paths
            for method in METHODS
            if any(self._at(path, method))
        ]

    def widened(self) -> Iterator[tuple[str, str]]:
        """Routes (their text) that take less than the path that a gateway has for them."""
        for route in self._routes:
            if route.demand.path_format != text_of(route.pattern.said).replace("+}", "}"):
                yield str(route), text_of(route.said)

    def ask(self, method: str, path: str) -> Ask | None:
        """What the app asks for a request, by its real path; None where no route takes it."""
        literal = tuple(path.split("/")[1:]) if path != "/" else ()
        for route in self._routes:
            if method in route.methods and route.pattern.covers(literal):
                return self._ask(route, path)
        return None

    def _parts_apart(self, leave_out: Collection[str]) -> Iterator[GatewayPath]:
        """Parts of what a route takes that need a path of their own.

        The root, which ``/{rest:path}`` takes but a gateway's ``/{rest+}`` does not, and the entries of the
        guard's ``public``, but for those that the gateway is not to know.
        """
        if not is_public("/", leave_out):
            yield ()
        for entry in sorted(self._public or ()):
            if is_public(entry, leave_out):
                continue
            for route in self._routes:
                part = route.pattern.part_in(entry, slash_at_end=not self._tree)
                if part is not None and part != route.pattern.said:
                    yield part

    def _at(self, path: GatewayPath, method: str) -> Iterator[_Route]:
        """The routes that a request there may be for, in the app's order."""
        if not self._tree and not self._has(path, method):
            return
        covered = False
        for route in self._routes:
            # One with a slash at its end still gets its own requests, which a REST API finds here, too.
            if covered and not route.pattern.without_slash:
                continue
            if method in route.methods and route.pattern.meets(path) and not is_preferred(route.said, path):
                yield route
                covered = covered or route.pattern.covers(path)

    def _has(self, path: GatewayPath, method: str) -> bool:
        """An HTTP API looks for path and method together: it has only what is written down."""
        return path in self._entries or any(
            route.said == path and method in route.methods for route in self._routes
        )

    def _decide(self, path: GatewayPath, method: str, alike: Callable[[Ask], Hashable]) -> Operation:
        first, *others = self._at(path, method)
        ask = self._ask(first, text_of(path))
        for other in others:
            if alike(self._ask(other, text_of(path))) != alike(ask):
                raise ConfigurationError(
                    f"{first} and {other} are both {method} {text_of(path)} to a gateway, and ask for "
                    "different things there: give them paths of their own, or let them ask for the same."
                )
        return Operation(path, method, ask, str(first))

    def _ask(self, route: _Route, path: str) -> Ask:
        demand = route.demand
        denied = self._public is not None and not is_public(path, self._public)
        return Ask(
            identity=(demand.guarded and not demand.optional) or (denied and not demand.iam),
            optional=demand.optional and not denied,
            iam=demand.iam,
            requirements=frozenset(demand.requirements),
        )


def left_out(app: "FastAPI") -> Iterator[str]:
    """What no gateway can be told of: WebSockets, and what shows no path."""
    yield from (str(demand) for demand in list_routes(app) if demand.websocket)
    yield from (str(mount) for mount in list_opaque_mounts(app) if not mount.path)


def _exported(app: "FastAPI") -> Iterator[RouteInfo]:
    yield from (demand for demand in list_routes(app) if not demand.websocket)
    yield from (_everything_in(mount) for mount in list_opaque_mounts(app) if mount.path)


def _everything_in(mount: OpaqueMount) -> RouteInfo:
    """A mount that shows no routes, as one that takes everything and asks for nothing."""
    return RouteInfo(
        path=mount.path + "/{rest:path}",
        path_format=mount.path + "/{rest}",
        methods=frozenset({"GET", "HEAD"} if isinstance(mount.app, StaticFiles) else ()),
        websocket=False,
        name="",
        endpoint=_everything_in,
        guarded=False,
        optional=False,
        iam=False,
        requirements=(),
        public=False,
        unresolved=(),
        in_schema=False,
        mounted=True,
    )


def _route(demand: RouteInfo, names: Names, *, tree: bool) -> _Route:
    if not demand.methods <= frozenset(METHODS):
        raise ConfigurationError(f"{demand}: a gateway knows the methods {', '.join(METHODS)}, and no other.")
    try:
        pattern = parse(demand.path, slash_at_end=not tree)
        return _Route(demand.methods or frozenset(METHODS), pattern, names.unify(pattern.said), demand)
    except ConfigurationError as error:
        raise ConfigurationError(f"{demand}: {error}") from None
