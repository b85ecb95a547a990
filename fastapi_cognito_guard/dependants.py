"""What FastAPI's routes ask of their callers, read from their dependencies: the one place that looks.

What refuses requests and what tells about routes go by this, so that none of them has another story.
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeVar

from starlette.types import Scope

from fastapi_cognito_guard.policy import Requirement

# Tells `current_user` that None will do. It travels as a scope, because then FastAPI asks it apart from
# any other `current_user` of the request, and an override of `current_user` counts here too. No real scope
# has a space in it.
OPTIONAL = "optional user"

_Dependency = TypeVar("_Dependency", bound=Callable[..., Any])
_Caller = Literal["user", "iam"]
_identifying: dict[Callable[..., Any], _Caller] = {}


def marks_caller(caller: _Caller) -> Callable[[_Dependency], _Dependency]:
    """Marks the dependency that yields the caller: a route that depends on it, by any chain, is guarded.

    The dependency itself, and no copy of it: what wraps it may do otherwise.
    """

    def mark(dependency: _Dependency) -> _Dependency:
        _identifying[dependency] = caller
        return dependency

    return mark


def find_caller(node: Any) -> _Caller | None:
    """Which caller a dependency yields, if it is one of those that yield one."""
    return _identifying.get(node.call)


def asks_for_scopes(scope: Scope) -> bool:
    """Whether the matched route asks for scopes: by ``require_scope``, or by ``Security(..., scopes=)``."""
    return any(
        requirement.kind == "scope"
        for requirement in list_requirements(getattr(_matched(scope), "dependant", None))
    )


def list_requirements(dependant: Any) -> Iterator[Requirement]:
    """Those of `require_scope` and its kin, and each scope of ``Security`` that reaches `current_user`.

    The scopes of other dependencies are not ours to mirror.
    """
    for node in walk_dependants(dependant):
        call = node.call
        if isinstance(call, Requirement):
            yield Requirement(kind=call.kind, claim=call.claim, any_of=call.any_of)
        elif find_caller(node) == "user":
            for scope in list_security_scopes(node):
                if scope != OPTIONAL:
                    yield Requirement(kind="scope", any_of=(scope,))


def list_security_scopes(node: Any) -> list[str]:
    """The scopes of ``Security`` that reach a dependency."""
    return [*(node.parent_oauth_scopes or ()), *(node.own_oauth_scopes or ())]


def find_path_template(scope: Scope) -> str | None:
    """The matched route's path as it was written, below the app that it is in; None where there is none."""
    path = getattr(_matched(scope), "path", None)
    return path if isinstance(path, str) else None


def _matched(scope: Scope) -> Any:
    """The matched route, with what the routers add that include it."""
    route = scope.get("route")
    included = scope.get("fastapi", {}).get("effective_route_context")
    return included if included is not None and included.original_route is route else route


def walk_dependants(dependant: Any) -> Iterator[Any]:
    """A dependency, and all that it depends on; nothing for None."""
    if dependant is not None:
        yield dependant
        for child in dependant.dependencies:
            yield from walk_dependants(child)
