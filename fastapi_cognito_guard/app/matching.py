"""The route of an app that a request reaches."""

from collections.abc import Sequence

from fastapi.routing import iter_route_contexts
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from fastapi_cognito_guard.app.routes import Branch, OpaqueMount, RouteInfo, find_route, read_route


def find_requested_route(app: Starlette, scope: Scope) -> RouteInfo | OpaqueMount | None:
    """Return the route of ``app`` that a request reaches, or None. Nothing of the app is run.

    ``scope`` is the request's as the app gets it, before routing.
    """
    return _find_requested(app.routes, scope, "", mounted=False)


def _find_requested(
    routes: Sequence[BaseRoute], scope: Scope, prefix: str, *, mounted: bool
) -> RouteInfo | OpaqueMount | None:
    for context in iter_route_contexts(routes):
        match, child_scope = find_route(context).matches(scope)
        if match is Match.FULL:
            found = read_route(context, prefix, mounted=mounted)
            if isinstance(found, Branch):
                return _find_requested(found.routes, {**scope, **child_scope}, found.path, mounted=True)
            return found
    return None
