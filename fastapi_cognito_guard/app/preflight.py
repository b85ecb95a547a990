"""CORS preflights (Fetch standard, section 3.3.3) that an app can answer itself."""

from collections.abc import Sequence

from fastapi.routing import iter_route_contexts
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Match, Router
from starlette.types import Scope

from fastapi_cognito_guard.app.routes import find_route


def answers_preflight(app: Starlette, scope: Scope) -> bool:
    """Return True if the request is a preflight, and something inside the guard is there to answer it.

    That is a route that declares OPTIONS, or the CORSMiddleware of a mounted app. Anything else may take a
    preflight for a request: a WSGI app under a mount, or an endpoint for any method.
    """
    return _is_preflight(scope) and _is_answered_by(app, dict(scope))


def _is_preflight(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    names = {name for name, _ in scope["headers"]}
    return {b"origin", b"access-control-request-method"} <= names


def _takes_options(routes: Sequence[BaseRoute], scope: Scope) -> bool:
    """Return True if the route that gets the request declares OPTIONS. Nothing of the app is run."""
    for context in iter_route_contexts(routes):
        route = find_route(context)
        match, child_scope = route.matches(scope)
        if match is Match.FULL:
            app = getattr(route, "app", None)
            if isinstance(app, Starlette | Router):
                return _is_answered_by(app, {**scope, **child_scope})
            return "OPTIONS" in (getattr(route, "methods", None) or ())
    return False


def _is_answered_by(app: Starlette | Router, scope: Scope) -> bool:
    """Return True for an app with CORSMiddleware; one that stands outside the guard has answered already."""
    kinds: list[object] = [entry.cls for entry in getattr(app, "user_middleware", ())]
    return CORSMiddleware in kinds or _takes_options(app.routes, scope)
