"""What each route of an app demands of its callers.

Documents, audits and exports are all made from this. Nothing that serves a request needs it, so that it is
loaded for them alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ForwardRef

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Host, Mount, Route, WebSocketRoute

from fastapi_cognito_guard.dependants import (
    OPTIONAL,
    as_value,
    find_caller,
    list_requirements,
    list_security_scopes,
    walk_dependants,
)
from fastapi_cognito_guard.policy import Requirement, RequirementKind
from fastapi_cognito_guard.protected_app import ProtectedApp

if TYPE_CHECKING:
    from fastapi import FastAPI


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteInfo:
    """What one route demands.

    ``path``          with the prefixes of the routers and mounts around it: ``/files/{name:path}``
    ``path_format``   the same as OpenAPI has it: ``/files/{name}``
    ``methods``       empty for a WebSocket, and for an endpoint that takes whichever
    ``websocket``     whether it is one
    ``name``          of the route
    ``endpoint``      the function behind it
    ``guarded``       whether it asks which user is calling
    ``optional``      whether nobody will do: it asks for `optional_user`, and for nothing else
    ``iam``           whether it asks for a caller who signed with AWS credentials
    ``requirements``  all of them must hold; in each, any one of ``any_of`` is enough
    ``public``        whether it says that it asks for nothing, in OpenAPI's words: ``{"security": []}``
    ``unresolved``    parameters whose annotations FastAPI could not resolve: callers choose their values
    ``in_schema``     whether it is in its app's OpenAPI document
    ``mounted``       whether it is in an app or a router that is mounted, not included
    """

    path: str
    path_format: str
    methods: frozenset[str]
    websocket: bool
    name: str
    endpoint: Callable[..., Any]
    guarded: bool
    optional: bool
    iam: bool
    requirements: tuple[Requirement, ...]
    public: bool
    unresolved: tuple[str, ...]
    in_schema: bool
    mounted: bool

    def of(self, kind: RequirementKind) -> tuple[Requirement, ...]:
        """The requirements of one kind."""
        return tuple(requirement for requirement in self.requirements if requirement.kind == kind)

    @property
    def scopes(self) -> tuple[tuple[str, ...], ...]:
        """All of these, any one of each. A scope of ``Security`` stands alone: FastAPI's rule is all-of."""
        return tuple(requirement.any_of for requirement in self.of("scope"))

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """All of these, any one of each."""
        return tuple(requirement.any_of for requirement in self.of("group"))

    def __str__(self) -> str:
        methods = "WebSocket" if self.websocket else " ".join(sorted(self.methods - {"HEAD"})) or "any method"
        return f"{methods} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueMount:
    """What shows no routes: files, an app that is no FastAPI or Starlette, a route of its own kind."""

    path: str
    app: object

    def __str__(self) -> str:
        return f"mount {self.path}" if self.path else f"a route to {type(self.app).__name__}"


def list_routes(app: "FastAPI") -> Iterator[RouteInfo]:
    """What each route demands, in the order in which they are matched, mounted apps with them."""
    return (found for found in _walk(app.routes) if isinstance(found, RouteInfo))


def list_opaque_mounts(app: "FastAPI") -> Iterator[OpaqueMount]:
    """What cannot be seen into."""
    return (found for found in _walk(app.routes) if isinstance(found, OpaqueMount))


def _walk(
    routes: Sequence[BaseRoute], at: str = "", *, mounted: bool = False
) -> Iterator[RouteInfo | OpaqueMount]:
    for context in iter_route_contexts(routes):
        # Until FastAPI 0.143 a context does not speak for the copy of a route that it includes.
        route: Any = getattr(context, "starlette_route", None) or context
        original = context.original_route
        inside = at + (getattr(route, "path", None) or "")  # a host has none
        if isinstance(original, Route | WebSocketRoute):
            yield _demand(route, at, websocket=isinstance(original, WebSocketRoute), mounted=mounted)
        elif isinstance(getattr(route, "app", None), ProtectedApp):
            yield _protected(route.app, inside)
        elif isinstance(original, Mount | Host) and route.routes:
            yield from _walk(route.routes, inside, mounted=True)
        else:
            yield OpaqueMount(path=inside, app=getattr(route, "app", original))


def _demand(route: Any, at: str, *, websocket: bool, mounted: bool) -> RouteInfo:
    dependant = getattr(route, "dependant", None)  # a plain Starlette route has none
    asked = [list_security_scopes(node) for node in walk_dependants(dependant) if find_caller(node) == "user"]
    return RouteInfo(
        path=at + route.path,
        path_format=at + route.path_format,
        methods=frozenset(getattr(route, "methods", None) or ()),
        websocket=websocket,
        name=route.name,
        endpoint=route.endpoint,
        guarded=bool(asked),
        optional=bool(asked) and all(OPTIONAL in scopes for scopes in asked),
        iam=any(find_caller(node) == "iam" for node in walk_dependants(dependant)),
        requirements=tuple(dict.fromkeys(list_requirements(dependant))),
        public=(getattr(route, "openapi_extra", None) or {}).get("security") == [],
        unresolved=tuple(_unresolved(dependant)),
        in_schema=dependant is not None and getattr(route, "include_in_schema", False),
        mounted=mounted,
    )


def _protected(app: ProtectedApp, at: str) -> RouteInfo:
    """All that is in a mounted app, whose routes are not to be seen."""
    return RouteInfo(
        path=at + "/{rest:path}",
        path_format=at + "/{rest}",
        methods=frozenset(),
        websocket=False,
        name="",
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


def _unresolved(dependant: Any) -> Iterator[str]:
    """FastAPI cannot see a name that only a function knows, with ``from __future__ import annotations``."""
    for node in walk_dependants(dependant):
        for field in node.query_params:
            if isinstance(field.field_info.annotation, ForwardRef):
                yield field.name
