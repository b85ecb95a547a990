"""Audit of an app: routes that are open without declaring it, and common mistakes of setup."""

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from starlette.middleware.cors import CORSMiddleware

from fastapi_cognito_guard.app.routes import RouteInfo, list_opaque_mounts, list_routes
from fastapi_cognito_guard.app.startup import run_at_startup
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.log_records import write_record
from fastapi_cognito_guard.middleware import GuardMiddleware, find_guard, is_public
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.request_state import Guard

if TYPE_CHECKING:
    from fastapi import FastAPI

# Not the logger of refusals, so that each can be silenced alone.
logger = logging.getLogger("fastapi_cognito_guard.audit")

Code = Literal[
    "unguarded", "unseen", "path_only", "unresolved", "guard_missing", "cors_inside", "scopes_beyond_gateway"
]

_ADVICE: Mapping[Code, str] = {
    "unguarded": "anybody may call it. Depend on CurrentUser (or IamCaller); or, if that is meant, declare "
    'it: openapi_extra={"security": []} on the route, or deny_by_default=True and public=[...] on the guard.',
    "unseen": "its routes cannot be read, and nothing guards it. Write app.mount(path, "
    "guard.protect(asgi_app, ...)), with its requirements; or, if it is meant to be public, "
    "deny_by_default=True and public=[...] on the guard.",
    "path_only": "its routes cannot be read, and any caller with a valid token may use all of it. Write "
    "app.mount(path, guard.protect(asgi_app, ...)), with its requirements; without any if that is meant.",
    "unresolved": "FastAPI cannot resolve its annotation and reads the value from the query, so that the "
    "caller chooses it. Define all names of the annotation at the top of the module, or remove "
    "`from __future__ import annotations` there.",
    "guard_missing": "its routes depend on the caller, but it has no guard: write guard.install(app).",
    "cors_inside": "it runs inside the guard: refusals carry no CORS headers, and browsers cannot read them. "
    "Write app.add_middleware(CORSMiddleware, ...), which puts it outside.",
    "scopes_beyond_gateway": "it requires several scopes at once. A gateway's route takes one list of "
    "scopes, any one of which is enough: put one of them there. The app itself checks all.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of the audit. ``code`` is stable; ``where`` names the route, mount or middleware."""

    code: Code
    where: str

    @property
    def message(self) -> str:
        """Description of the problem and of its remedy."""
        return _ADVICE[self.code]

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class OpenRoute(NamedTuple):
    """Route or mount without a guard. ``declared`` is true if the route declares itself public."""

    code: Literal["unguarded", "unseen"]
    where: str
    path: str
    declared: bool = False

    def is_listed(self, public: Collection[str]) -> bool:
        """Return True if ``public`` lists the path; for a mount, ``/static/*`` lists all that is in it."""
        return is_public(self.path, public) or f"{self.path}/*" in public


def audit(app: "FastAPI") -> list[Finding]:
    """Return the routes that are open without declaring it, and mistakes of setup.

    Mounted apps are included. A route with `OptionalUser` is not a finding. `warn_at_startup` logs the
    findings as warnings when the app starts.
    """
    guard = find_guard(app)
    return [
        *_check_setup(app, guard),
        *_check_open_routes(app, guard),
        *_check_mounts(app, guard),
        *_check_routes(app, guard),
    ]


def warn_at_startup(app: "FastAPI") -> None:
    """Log a warning for each finding when the app starts.

    The start fails with `ConfigurationError` for a required level, or pool, that the guard does not have,
    unless a directory may have it.
    """

    def warn() -> None:
        _check_names(app)
        for finding in audit(app):
            write_record(logger, logging.WARNING, "%s (%s)", finding, finding.code)

    run_at_startup(app, warn)


def check_guard_is_installed(app: "FastAPI") -> None:
    """Raise `ConfigurationError` if a route of an app depends on the caller, and the app has no guard.

    Not with overrides of dependencies, by which tests may replace the caller.
    """
    if find_guard(app) is not None or app.dependency_overrides:
        return
    for route in filter(_needs_guard, list_routes(app)):
        raise ConfigurationError(
            f"{route} depends on the caller, and the app has no guard: write guard.install(app), right after "
            "app = FastAPI()."
        )


def _check_names(app: "FastAPI") -> None:
    """Raise `ConfigurationError` if a route requires a level or a pool that the guard does not have."""
    guard = find_guard(app)
    if guard is not None and guard.directory is not None:
        return
    pools = () if guard is None else guard.pools
    levels = {level for pool in pools for level in pool.levels}
    for route in list_routes(app):
        for required in () if route.mounted else route.requirements:
            for each in required.list_of_kind("level"):
                _check_known(route, each, levels, "levels of the pools", "UserPool(levels=[...])")
            for each in required.list_of_kind("pool"):
                _check_known(route, each, {pool.id for pool in pools}, "pools", "CognitoGuard(UserPool(...))")


def _check_known(route: object, required: Requirement, known: Collection[str], what: str, where: str) -> None:
    unknown = [name for name in required.any_of if name not in known]
    if unknown:
        raise ConfigurationError(
            f"{route} has {required}, and the {what} are {', '.join(sorted(known))}: write one of them, or "
            f"name your own in {where}.",
            setting="levels" if required.kind == "level" else None,
        )


def list_open_routes(app: "FastAPI") -> Iterator[OpenRoute]:
    """Return what can be reached without a token, except for pages of FastAPI and of this package."""
    guard = find_guard(app)
    for route in _list_unguarded(app):
        if guard is None or not guard.deny_by_default or route.is_listed(guard.public):
            yield route


def list_unseen_mounts(app: "FastAPI") -> Iterator[OpenRoute]:
    """Return the mounts whose routes cannot be read and that nothing but ``deny_by_default`` can guard."""
    return (route for route in _list_unguarded(app) if route.code == "unseen")


def _list_unguarded(app: "FastAPI") -> Iterator[OpenRoute]:
    for route in list_routes(app):
        if not (route.guarded or route.iam or is_page(route)):
            yield OpenRoute("unguarded", str(route), route.path, route.public)
    for mount in list_opaque_mounts(app):
        if not is_built_in(mount.app):
            yield OpenRoute("unseen", str(mount), mount.path)


def is_page(route: RouteInfo) -> bool:
    """Return True for a page of FastAPI or of this package that asks for no caller."""
    return is_built_in(route.endpoint) and not (route.guarded or route.iam)


def is_built_in(endpoint: object) -> bool:
    """Return True if FastAPI or this package defines the endpoint: a documentation page, for example."""
    module = getattr(endpoint, "__module__", None) or ""
    return module == "fastapi.applications" or module.partition(".")[0] == "fastapi_cognito_guard"


def _check_setup(app: "FastAPI", guard: Guard | None) -> Iterator[Finding]:
    if guard is None and any(_needs_guard(route) for route in list_routes(app)):
        yield Finding("guard_missing", "the app")
    kinds: list[object] = [entry.cls for entry in app.user_middleware]
    if guard is not None and CORSMiddleware in kinds[kinds.index(GuardMiddleware) :]:
        yield Finding("cors_inside", "CORSMiddleware")


def _needs_guard(route: RouteInfo) -> bool:
    """Return True if a guard must be installed in the app itself. A mounted app may have its own."""
    return (route.guarded or route.iam) and not route.mounted


def _check_open_routes(app: "FastAPI", guard: Guard | None) -> Iterator[Finding]:
    for route in list_open_routes(app):
        if not route.declared and not (guard is not None and route.is_listed(guard.public)):
            yield Finding(route.code, route.where)


def _check_mounts(app: "FastAPI", guard: Guard | None) -> Iterator[Finding]:
    """Find the mounts that only ``deny_by_default`` guards, which knows their paths and nothing else."""
    if guard is not None and guard.deny_by_default:
        for mount in list_unseen_mounts(app):
            if not mount.is_listed(guard.public):
                yield Finding("path_only", mount.where)


def _check_routes(app: "FastAPI", guard: Guard | None) -> Iterator[Finding]:
    for route in list_routes(app):
        yield from (Finding("unresolved", f"{route}, parameter {name!r}") for name in route.unresolved)
        # Gateways have no rules for groups and claims, so only scopes can exceed them.
        if len(route.scopes) > 1 and guard is not None and guard.gateway != "ignore":
            yield Finding("scopes_beyond_gateway", str(route))
