"""What FastAPI's routes demand, read from their dependencies."""

from collections.abc import Iterator
from typing import Any

from starlette.types import Scope

from fastapi_cognito_guard.policy import Requirement


def is_scoped(scope: Scope) -> bool:
    """Whether the matched route asks for scopes: by ``require_scope``, or by ``Security(..., scopes=)``."""
    return any(
        dependant.own_oauth_scopes
        or (isinstance(dependant.call, Requirement) and dependant.call.kind == "scope")
        for dependant in _tree(_matched(scope))
    )


def _matched(scope: Scope) -> Any:
    """The dependencies of the matched route, with those of the routers that include it."""
    route = scope.get("route")
    included = scope.get("fastapi", {}).get("effective_route_context")
    if included is not None and included.original_route is route:
        return included.dependant
    return getattr(route, "dependant", None)


def _tree(dependant: Any) -> Iterator[Any]:
    if dependant is not None:
        yield dependant
        for child in dependant.dependencies:
            yield from _tree(child)
