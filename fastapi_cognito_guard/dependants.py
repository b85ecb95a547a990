"""FastAPI's dependency trees: the requirements that a route's dependencies state.

Both the checks of requests and the descriptions of routes read them here, so that they cannot differ.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeVar

from starlette.types import Scope

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.policy import Requirement, takes_scopes
from fastapi_cognito_guard.requirement_names import check_scope_names

# Marker scope that lets `current_user` return None. As a scope it makes FastAPI call `current_user` apart
# from its other uses in the request, and an override of `current_user` still applies. No real scope has a
# space.
OPTIONAL = "optional user"

_PARAMETER = re.compile("{([a-zA-Z_][a-zA-Z0-9_]*)")  # of a path template

_Dependency = TypeVar("_Dependency", bound=Callable[..., Any])
_Caller = Literal["user", "iam"]
_callers_by_dependency: dict[Callable[..., Any], _Caller] = {}


def marks_caller(caller: _Caller) -> Callable[[_Dependency], _Dependency]:
    """Mark a dependency as the one that returns the caller: a route that depends on it is guarded.

    The mark belongs to the function itself, not to wrappers of it, which may do something else.
    """

    def mark(dependency: _Dependency) -> _Dependency:
        _callers_by_dependency[dependency] = caller
        return dependency

    return mark


def find_caller(node: Any) -> _Caller | None:
    """Return the kind of caller that a dependency returns, or None."""
    return _callers_by_dependency.get(node.call)


def asks_for_scopes(scope: Scope) -> bool | None:
    """Return True if the matched route requires scopes: ``require_scope``, or ``Security(scopes=)``.

    None if scopes are one way of several to meet a requirement.
    """
    return takes_scopes(list_requirements(getattr(_find_matched_route(scope), "dependant", None)))


def list_requirements(dependant: Any) -> Iterator[Requirement]:
    """Yield the requirements of a route, and each scope of ``Security`` that reaches `current_user`.

    Scopes of other security dependencies are not included. Raises `ConfigurationError` for scopes of
    ``Security`` that are none.
    """
    for node in walk_dependants(dependant):
        call = node.call
        if isinstance(call, Requirement):
            yield as_value(call)
        elif find_caller(node) == "user":
            for scope in list_security_scopes(node):
                if scope != OPTIONAL:
                    yield _require_security_scope(scope)


def _require_security_scope(scope: str) -> Requirement:
    try:
        return Requirement(kind="scope", any_of=check_scope_names([scope]))
    except ConfigurationError:
        raise ConfigurationError(
            f"Security(..., scopes=[{scope!r}]): a scope is a text without spaces and quotes (RFC 6749)."
        ) from None


def as_value(requirement: Requirement) -> Requirement:
    """Return a requirement without the dependency that states it, so that equal ones are equal."""
    return Requirement(
        kind=requirement.kind,
        claim=requirement.claim,
        any_of=requirement.any_of,
        max_age=requirement.max_age,
        alternatives=tuple(map(as_value, requirement.alternatives)),
        function=requirement.function,
    )


def list_security_scopes(node: Any) -> list[str]:
    """Return the scopes of ``Security`` that reach a dependency."""
    return [*(node.parent_oauth_scopes or ()), *(node.own_oauth_scopes or ())]


def find_path_template(scope: Scope) -> str | None:
    """Return the path template of the matched route, below the mounts around it; None without a route."""
    path = getattr(_find_matched_route(scope), "path", None)
    if not isinstance(path, str):
        return None
    return (_find_mount_template(scope, path) if "app_root_path" in scope else "") + path or "/"


def _find_mount_template(scope: Scope, path: str) -> str:
    """Return the path of the mounts around a route, with the names of their parameters for their values.

    No text of a client is left in it, which would be a new label for metrics with each request.
    """
    mount: str = scope["root_path"].removeprefix(scope["app_root_path"])
    own = _PARAMETER.findall(path)
    for name, value in scope.get("path_params", {}).items():
        if name not in own:
            mount, replaced = re.subn(rf"/{re.escape(str(value))}(?=/|$)", f"/{{{name}}}", mount, count=1)
            if not replaced:  # part of a segment, or a number with zeros before it
                return "/{mount}"
    return mount


def _find_matched_route(scope: Scope) -> Any:
    """Return the matched route, including the additions of the routers around it."""
    route = scope.get("route")
    included = scope.get("fastapi", {}).get("effective_route_context")
    return included if included is not None and included.original_route is route else route


def walk_dependants(dependant: Any) -> Iterator[Any]:
    """Yield a dependency and everything that it depends on; nothing for None."""
    if dependant is not None:
        yield dependant
        for child in dependant.dependencies:
            yield from walk_dependants(child)
