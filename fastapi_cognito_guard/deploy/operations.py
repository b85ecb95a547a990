"""Routes of an app as a gateway sees them: one operation per method and path, each decided by one route.

An app takes the first route that matches a request, a gateway the most specific path. An operation requires
what the app checks for the requests that the gateway sends there.
"""

from collections.abc import Callable, Collection, Hashable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from starlette.staticfiles import StaticFiles

from fastapi_cognito_guard.app.routes import OpaqueMount, RouteInfo, list_opaque_mounts, list_routes
from fastapi_cognito_guard.deploy.path_index import PathIndex
from fastapi_cognito_guard.deploy.paths import (
    GatewayPath,
    PathPattern,
    VariableNames,
    format_path,
    is_preferred,
    parse_path,
)
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.middleware import is_public
from fastapi_cognito_guard.policy import Requirement

if TYPE_CHECKING:
    from fastapi import FastAPI

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Methods that a gateway knows, and those of a route that names none."""


class Access(NamedTuple):
    """Requirements on the callers of a route.

    ``identity``  True if the caller must have a valid token
    ``optional``  True if a token may be missing, but must be valid if it is there
    ``iam``       True if the caller must have signed the request with AWS credentials
    """

    identity: bool
    optional: bool
    iam: bool
    requirements: frozenset[Requirement]

    @property
    def decidable(self) -> frozenset[Requirement]:
        """Requirements that a gateway's authorizer can decide in advance. The others are left to the app."""
        return frozenset(each for each in self.requirements if not each.is_left_to_app)

    def names_of_kind(self, kind: str) -> tuple[tuple[str, ...], ...]:
        """Return the names in the requirements of one kind: all of these, any one of each."""
        return tuple(sorted(each.any_of for each in self.requirements if each.kind == kind))


class Operation(NamedTuple):
    """A path and a method at a gateway, the access required there, and the deciding route as text."""

    path: GatewayPath
    method: str
    access: Access
    route: str

    def __str__(self) -> str:
        return f"{self.method} {format_path(self.path)}"


class _Candidate(NamedTuple):
    """A route of the app, parsed for comparison with the paths of a gateway."""

    methods: frozenset[str]
    pattern: PathPattern
    gateway_path: GatewayPath
    route: RouteInfo

    def __str__(self) -> str:
        return str(self.route)

    def format_request(self, path: GatewayPath) -> str:
        """Return the path of the requests at ``path`` that the route takes, as the app sees it."""
        return format_path(path) + ("/" if self.pattern.drops_slash else "")


class GatewayRoutes:
    """Routes of an app, in the order in which the app tries them.

    ``tree``               True if the gateway finds the path first and then the method, as a REST API does
    ``leave_out``          paths that the gateway does not get, in the form of the guard's ``public``
    ``deployed``           paths that the gateway has already. Each is a path of its own here, too; and the
                           app's need not fit into the gateway's tree, because a deployed path takes several
    ``unused_exclusions``  entries of ``leave_out`` that match no route
    """

    def __init__(
        self,
        app: "FastAPI",
        guard: CognitoGuard,
        *,
        tree: bool,
        leave_out: Collection[str] = (),
        deployed: Collection[GatewayPath] | None = None,
    ) -> None:
        self._tree = tree
        self._public = guard.public if guard.deny_by_default else None
        names = VariableNames(tree=tree and deployed is None)
        found = list(_list_http_routes(app))
        kept = [route for route in found if not is_public(route.path_format, leave_out)]
        self.unused_exclusions = [
            entry for entry in leave_out if not any(is_public(route.path_format, [entry]) for route in found)
        ]
        self._candidates = [_parse_route(route, names, tree=tree) for route in kept]
        self._index = PathIndex(self._candidates, lambda each: each.pattern.gateway_path)
        self._methods: dict[GatewayPath, set[str]] = {}
        for each in self._candidates:
            self._methods.setdefault(each.gateway_path, set()).update(each.methods)
        extra = [*self._find_extra_paths(leave_out), *(deployed or ())]
        self._extra_paths = dict.fromkeys(names.unify(path) for path in extra)

    @property
    def paths(self) -> list[GatewayPath]:
        """All paths: those of the app's routes, and those that parts of them need."""
        return list(dict.fromkeys([*(each.gateway_path for each in self._candidates), *self._extra_paths]))

    def list_operations(
        self, access_key: Callable[[Access], Hashable] = lambda access: access
    ) -> list[Operation]:
        """Return all operations. ``access_key``: the part of an `Access` that the gateway can distinguish.

        Raises `ConfigurationError` if routes with different keys share an operation.
        """
        return [
            self._build_operation(path, method, access_key)
            for path in self.paths
            for method in METHODS
            if any(self._find_candidates(path, method))
        ]

    def list_accesses(
        self,
        path: GatewayPath,
        method: str,
        is_elsewhere: Callable[[GatewayPath], bool] = lambda path: False,
    ) -> dict[Access, str]:
        """Return what is required of the requests to one of `paths`, each access with its first route.

        ``is_elsewhere``: True for the path of an app's route whose requests the gateway sends elsewhere.
        """
        found: dict[Access, str] = {}
        for each in self._find_candidates(path, method):
            if is_elsewhere(each.gateway_path):
                continue
            found.setdefault(self._build_access(each.route, each.format_request(path)), str(each))
        return found

    def list_widened(self) -> Iterator[tuple[str, str]]:
        """List the routes whose path at the gateway takes more requests, each with that path, as texts."""
        for each in self._candidates:
            if each.route.path_format != format_path(each.pattern.gateway_path).replace("+}", "}"):
                yield str(each), format_path(each.gateway_path)

    def find_access(self, method: str, path: str) -> Access | None:
        """Return the access required for a request, by its real path; None if no route takes it."""
        literal = tuple(path.split("/")[1:]) if path != "/" else ()
        for each in self._index.find_near(literal):
            if method in each.methods and each.pattern.covers(literal):
                return self._build_access(each.route, path)
        return None

    def _find_extra_paths(self, leave_out: Collection[str]) -> Iterator[GatewayPath]:
        """Find the parts of routes that need a path of their own, unless ``leave_out`` excludes them.

        These are the root, which ``/{rest:path}`` takes but a gateway's ``/{rest+}`` does not, and the
        entries of the guard's ``public``.
        """
        if not is_public("/", leave_out):
            yield ()
        for entry in sorted(self._public or ()):
            if is_public(entry, leave_out):
                continue
            for each in self._candidates:
                part = each.pattern.intersect(entry, keep_slash=not self._tree)
                if part is not None and part != each.pattern.gateway_path:
                    yield part

    def _find_candidates(self, path: GatewayPath, method: str) -> Iterator[_Candidate]:
        """Find the routes that may get a request to this operation, in the app's order."""
        if not self._tree and not self._is_defined(path, method):
            return
        covered = False
        for each in self._index.find_near(path):
            # A route with a slash at its end gets its own requests even so: a REST API sends them here.
            if covered and not each.pattern.drops_slash:
                continue
            overlaps = method in each.methods and each.pattern.overlaps(path)
            if overlaps and not is_preferred(each.gateway_path, over=path):
                yield each
                covered = covered or each.pattern.covers(path)

    def _is_defined(self, path: GatewayPath, method: str) -> bool:
        # An HTTP API matches path and method together, so it has only the methods that are written down.
        return path in self._extra_paths or method in self._methods.get(path, ())

    def _build_operation(
        self, path: GatewayPath, method: str, access_key: Callable[[Access], Hashable]
    ) -> Operation:
        first, *others = self._find_candidates(path, method)
        access = self._build_access(first.route, first.format_request(path))
        for other in others:
            if access_key(self._build_access(other.route, other.format_request(path))) != access_key(access):
                raise ConfigurationError(
                    f"{first} and {other} are both {method} {format_path(path)} to a gateway, and have "
                    "different requirements: give them paths of their own, or the same requirements (in "
                    "public, too)."
                )
        return Operation(path, method, access, str(first))

    def _build_access(self, route: RouteInfo, path: str) -> Access:
        denied = self._public is not None and not is_public(path, self._public)
        return Access(
            identity=(route.guarded and not route.optional) or (denied and not route.iam),
            optional=route.optional and not denied,
            iam=route.iam,
            requirements=frozenset(route.requirements),
        )


def list_left_out(app: "FastAPI") -> Iterator[str]:
    """List the routes that no gateway can have: WebSockets, and mounts that show no path."""
    yield from (str(route) for route in list_routes(app) if route.websocket)
    yield from (str(mount) for mount in list_opaque_mounts(app) if not mount.path)


def _list_http_routes(app: "FastAPI") -> Iterator[RouteInfo]:
    yield from (route for route in list_routes(app) if not route.websocket)
    yield from (describe_mount(mount) for mount in list_opaque_mounts(app) if mount.path)


def describe_mount(mount: OpaqueMount) -> RouteInfo:
    """Describe a mount that shows no routes as one route for all its paths, without requirements."""
    return RouteInfo(
        path=mount.path + "/{rest:path}",
        path_format=mount.path + "/{rest}",
        methods=frozenset({"GET", "HEAD"} if isinstance(mount.app, StaticFiles) else ()),
        websocket=False,
        endpoint=cast(Callable[..., Any], mount.app),
        guarded=False,
        optional=False,
        iam=False,
        requirements=(),
        public=False,
        unresolved=(),
        in_schema=False,
        mounted=True,
    )


def _parse_route(route: RouteInfo, names: VariableNames, *, tree: bool) -> _Candidate:
    if not route.methods <= frozenset(METHODS):
        raise ConfigurationError(f"{route}: a gateway knows the methods {', '.join(METHODS)}, and no other.")
    try:
        pattern = parse_path(route.path, keep_slash=not tree)
        unified = names.unify(pattern.gateway_path)
        return _Candidate(route.methods or frozenset(METHODS), pattern, unified, route)
    except ConfigurationError as error:
        raise ConfigurationError(f"{route}: {error}") from None
