"""Routes of an app, with what each requires of its callers.

The OpenAPI document, the audit and the exports are built from these values. Serving a request does not need
this module.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ForwardRef, NamedTuple

from fastapi.routing import iter_route_contexts
from fastapi.security.base import SecurityBase
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Host, Mount, Route, WebSocketRoute

from fastapi_cognito_guard.dependants import (
    OPTIONAL,
    as_value,
    find_caller,
    list_requirements,
    list_security_scopes,
    walk_dependants,
)
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.misuse import check_nodes
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.protected_app import ProtectedApp
from fastapi_cognito_guard.remedies import RequirementKind

if TYPE_CHECKING:
    from fastapi import FastAPI


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteInfo:
    """One route, with what it requires of its callers.

    ``path``          including the prefixes of its routers and mounts: ``/files/{name:path}``
    ``path_format``   the path as OpenAPI writes it: ``/files/{name}``
    ``methods``       empty for a WebSocket, and for an endpoint that takes any method
    ``websocket``     true for a WebSocket route
    ``endpoint``      the function or class that serves it
    ``guarded``       true if it depends on the user, optional or not
    ``optional``      true if it depends on `optional_user` and never on `current_user`
    ``iam``           true if it depends on a caller who signed with AWS credentials
    ``others_optional``  true if it has other security schemes, and all of them may be missing
    ``requirements``  all must hold; any one value of ``any_of`` satisfies each
    ``public``        true if it declares ``openapi_extra={"security": []}``
    ``unresolved``    parameters whose annotations FastAPI could not resolve and reads from the query
    ``in_schema``     true if its app's OpenAPI document contains it
    ``mounted``       true if it belongs to a mounted app or router, false if it was included
    """

    path: str
    path_format: str
    methods: frozenset[str]
    websocket: bool
    endpoint: Callable[..., Any]
    guarded: bool
    optional: bool
    iam: bool
    others_optional: bool = False
    requirements: tuple[Requirement, ...]
    public: bool
    unresolved: tuple[str, ...]
    in_schema: bool
    mounted: bool

    def requirements_of_kind(self, kind: RequirementKind) -> tuple[Requirement, ...]:
        """Return the requirements on scopes, on groups or on claims."""
        return tuple(requirement for requirement in self.requirements if requirement.kind == kind)

    @property
    def scopes(self) -> tuple[tuple[str, ...], ...]:
        """Required scopes: all of the tuples, any one scope of each.

        Each scope of ``Security`` is a tuple of its own, because FastAPI requires all of them.
        """
        return tuple(requirement.any_of for requirement in self.requirements_of_kind("scope"))

    @property
    def scope_names(self) -> frozenset[str]:
        """All scopes that it knows, also where they are one of several alternatives."""
        found = (each for requirement in self.requirements for each in requirement.list_of_kind("scope"))
        return frozenset(name for each in found for name in each.any_of)

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Required groups: all of the tuples, any one group of each."""
        return tuple(requirement.any_of for requirement in self.requirements_of_kind("group"))

    def __str__(self) -> str:
        methods = "WebSocket" if self.websocket else " ".join(sorted(self.methods - {"HEAD"})) or "any method"
        return f"{methods} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueMount:
    """Mount whose routes cannot be read: static files, another ASGI app, a custom route class."""

    path: str
    app: object

    def __str__(self) -> str:
        return f"mount {self.path}" if self.path else f"a route to {type(self.app).__name__}"


def list_routes(app: "FastAPI") -> Iterator[RouteInfo]:
    """Return all routes in the order in which they are matched, including those of mounted apps."""
    return (found for found in _walk_routes(app.routes) if isinstance(found, RouteInfo))


def list_opaque_mounts(app: "FastAPI") -> Iterator[OpaqueMount]:
    """Return the mounts whose routes cannot be read."""
    return (found for found in _walk_routes(app.routes) if isinstance(found, OpaqueMount))


def list_mounted_apps(app: Starlette, prefix: str = "") -> Iterator[tuple[str, Starlette]]:
    """Return the FastAPI and Starlette apps that are mounted in ``app``, each with its path."""
    for context in iter_route_contexts(app.routes):
        inner = getattr(context.original_route, "app", None)
        if isinstance(inner, Starlette):
            path = prefix + (getattr(context, "path", None) or "")
            yield path, inner
            yield from list_mounted_apps(inner, path)


def find_route(context: object) -> Any:
    """Return what has the attributes of a route, for one item of FastAPI's ``iter_route_contexts``.

    Before FastAPI 0.143, a context does not read them from the Starlette route that it includes.
    """
    return getattr(context, "starlette_route", None) or context


def _walk_routes(
    routes: Sequence[BaseRoute], prefix: str = "", *, mounted: bool = False
) -> Iterator[RouteInfo | OpaqueMount]:
    for context in iter_route_contexts(routes):
        found = read_route(context, prefix, mounted=mounted)
        if isinstance(found, Branch):
            yield from _walk_routes(found.routes, found.path, mounted=True)
        else:
            yield found


class Branch(NamedTuple):
    """Mount or host whose routes can be read."""

    path: str
    routes: Sequence[BaseRoute]


def read_route(context: Any, prefix: str, *, mounted: bool) -> RouteInfo | OpaqueMount | Branch:
    """Read one item of FastAPI's ``iter_route_contexts``. ``prefix``: the path of the mounts around it."""
    route = find_route(context)
    original = context.original_route
    path = prefix + (getattr(route, "path", None) or "")  # a Host has no path
    if isinstance(original, Route | WebSocketRoute):
        return _build_route_info(route, prefix, _list_requirements(route, path), mounted=mounted)
    if isinstance(getattr(route, "app", None), ProtectedApp):
        return _build_protected_info(route.app, path)
    if isinstance(original, Mount | Host) and route.routes:
        return Branch(path, route.routes)
    return OpaqueMount(path=path, app=getattr(route, "app", original))


def _list_requirements(route: Any, path: str) -> tuple[Requirement, ...]:
    """Return what a route requires. Raises `ConfigurationError`, with the route, for a mistake in it."""
    dependant = getattr(route, "dependant", None)
    try:
        check_nodes(walk_dependants(dependant))
        return tuple(dict.fromkeys(list_requirements(dependant)))
    except ConfigurationError as error:
        methods = " ".join(sorted(getattr(route, "methods", None) or ["WebSocket"]))
        raise ConfigurationError(f"{methods} {path}: {error}") from None


def _build_route_info(
    route: Any, prefix: str, requirements: tuple[Requirement, ...], *, mounted: bool
) -> RouteInfo:
    dependant = getattr(route, "dependant", None)  # a plain Starlette route has none
    nodes = list(walk_dependants(dependant))
    user_scopes = [list_security_scopes(node) for node in nodes if find_caller(node) == "user"]
    return RouteInfo(
        path=prefix + route.path,
        path_format=prefix + route.path_format,
        methods=frozenset(getattr(route, "methods", None) or ()),
        websocket=isinstance(getattr(route, "original_route", route), WebSocketRoute),
        endpoint=route.endpoint,
        guarded=bool(user_scopes),
        optional=bool(user_scopes) and all(OPTIONAL in scopes for scopes in user_scopes),
        iam=any(find_caller(node) == "iam" for node in nodes),
        others_optional=_has_only_optional_schemes(nodes),
        requirements=requirements,
        public=(getattr(route, "openapi_extra", None) or {}).get("security") == [],
        unresolved=tuple(_list_unresolved_parameters(nodes)),
        in_schema=dependant is not None and getattr(route, "include_in_schema", False),
        mounted=mounted,
    )


def _has_only_optional_schemes(nodes: Iterable[Any]) -> bool:
    """Return True if there are FastAPI's own security schemes, all of them with ``auto_error=False``."""
    schemes = [node.call for node in nodes if isinstance(node.call, SecurityBase)]
    return bool(schemes) and all(getattr(each, "auto_error", True) is False for each in schemes)


def _build_protected_info(app: ProtectedApp, prefix: str) -> RouteInfo:
    """Build the one route that stands for everything in a protected app."""
    return RouteInfo(
        path=prefix + "/{rest:path}",
        path_format=prefix + "/{rest}",
        methods=frozenset(),
        websocket=False,
        endpoint=app,
        guarded=True,
        optional=False,
        iam=False,
        requirements=tuple(dict.fromkeys(map(as_value, app.requirements))),
        public=False,
        unresolved=(),
        in_schema=False,
        mounted=True,
    )


def _list_unresolved_parameters(nodes: Iterable[Any]) -> Iterator[str]:
    """Return the query parameters whose annotation is still a forward reference.

    With ``from __future__ import annotations``, FastAPI cannot resolve names that are local to a function.
    """
    for node in nodes:
        for field in node.query_params:
            if isinstance(field.field_info.annotation, ForwardRef):
                yield field.name
