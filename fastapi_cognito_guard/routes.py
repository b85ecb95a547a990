"""What FastAPI's routes demand, read from their dependencies."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from starlette.types import Scope

from fastapi_cognito_guard.policy import Requirement


def is_scoped(scope: Scope, users: Collection[Callable[..., Any]], *, but: str) -> bool:
    """Whether the matched route asks for scopes: by ``require_scope``, or by ``Security(..., scopes=)``.

    ``users`` are the dependencies that look at ``Security`` scopes (other than ``but``, which is none);
    the scopes of other dependencies are not ours to mirror.
    """
    return any(
        (node.call in users and {*_scopes(node)} - {but})
        or (isinstance(node.call, Requirement) and node.call.kind == "scope")
        for node in _tree(_matched(scope))
    )


def _scopes(node: Any) -> list[str]:
    return [*(node.parent_oauth_scopes or ()), *(node.own_oauth_scopes or ())]


def _matched(scope: Scope) -> Any:
    """The dependencies of the matched route, with those of the routers that include it."""
    route = scope.get("route")
    included = scope.get("fastapi", {}).get("effective_route_context")
    if included is not None and included.original_route is route:
        return included.dependant
    return getattr(route, "dependant", None)


def _tree(node: Any) -> Iterator[Any]:
    if node is not None:
        yield node
        for child in node.dependencies:
            yield from _tree(child)
