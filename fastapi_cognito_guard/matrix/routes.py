"""The routes of an app with their guards: the rows of a matrix."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from fastapi_cognito_guard.app.routes import (
    RouteInfo,
    list_mounted_apps,
    list_opaque_mounts,
    list_routes,
)
from fastapi_cognito_guard.audit import is_page
from fastapi_cognito_guard.deploy.operations import describe_mount
from fastapi_cognito_guard.guard import CognitoGuard, installed_guard
from fastapi_cognito_guard.middleware import find_guard, is_public
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.protected_app import ProtectedApp

if TYPE_CHECKING:
    from fastapi import FastAPI


class GuardedRoute(NamedTuple):
    """A route, the guard that identifies its callers, and whether a guard refuses strangers before routing.

    ``outer`` is the app's guard, which is another one for a mounted app with a guard of its own.
    """

    info: RouteInfo
    guard: CognitoGuard
    outer: CognitoGuard
    denied: bool

    @property
    def name(self) -> str:
        """Methods and path: ``GET /orders/{id}``."""
        return str(self.info)

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """Requirements on the caller; all must hold."""
        return self.info.requirements

    @property
    def open_to_nobody(self) -> bool:
        """True if a request without credentials reaches the route."""
        needs_user = self.info.guarded and not self.info.optional
        return not (needs_user or self.info.iam or self.denied)


def list_guarded_routes(app: "FastAPI") -> Iterator[GuardedRoute]:
    """Return all routes and mounts in the order in which they are matched, without pages of FastAPI's.

    A route with the methods and the path of an earlier one is left out: no request reaches it. Raises
    `ConfigurationError` for an app without a guard.
    """
    outer = installed_guard(app)
    inner = [(path, find_guard(mounted)) for path, mounted in list_mounted_apps(app)]
    guards = [(path, guard) for path, guard in inner if isinstance(guard, CognitoGuard)]
    seen: set[str] = set()
    for info in [*list_routes(app), *map(describe_mount, list_opaque_mounts(app))]:
        if is_page(info) or str(info) in seen:
            continue
        seen.add(str(info))
        path, own = max(
            ((path, guard) for path, guard in guards if f"{info.path}/".startswith(f"{path}/")),
            key=lambda found: len(found[0]),
            default=("", outer),
        )
        denied = _is_denied(outer, info.path_format) or _is_denied(own, info.path_format.removeprefix(path))
        yield GuardedRoute(info, _find_own_guard(info, own), outer, denied)


def _find_own_guard(info: RouteInfo, guard: CognitoGuard) -> CognitoGuard:
    """Return the guard of a protected app, which may be for a resource of its own, or ``guard``."""
    own = info.endpoint.guard if isinstance(info.endpoint, ProtectedApp) else guard
    return own if isinstance(own, CognitoGuard) else guard


def _is_denied(guard: CognitoGuard, path: str) -> bool:
    return guard.deny_by_default and not is_public(path, guard.public)
