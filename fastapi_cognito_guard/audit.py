"""What stands open, and traps: read from the app as it is, before anybody else finds them."""

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from starlette.middleware.cors import CORSMiddleware

from fastapi_cognito_guard.app.routes import list_opaque_mounts, list_routes
from fastapi_cognito_guard.app.startup import run_at_startup
from fastapi_cognito_guard.middleware import GuardMiddleware, find_guard, is_public
from fastapi_cognito_guard.request_state import Guard

if TYPE_CHECKING:
    from fastapi import FastAPI

# Apart from refusals, so that it can be quiet where they are not.
logger = logging.getLogger("fastapi_cognito_guard.audit")

Code = Literal["unguarded", "unseen", "unresolved", "guard_missing", "cors_inside", "scopes_beyond_gateway"]

_ADVICE: Mapping[Code, str] = {
    "unguarded": "anybody may call it. Ask for CurrentUser (or IamCaller); or, if that is meant, say so: "
    'openapi_extra={"security": []} on the route, or deny_by_default=True and public=[...] on the guard.',
    "unseen": "what is in it cannot be seen, and no dependency guards it. If it is not for everybody, set "
    "deny_by_default=True on the guard, and list in public=[...] what is.",
    "unresolved": "FastAPI cannot resolve its annotation, and takes the value from the query: the caller "
    "chooses it. Have all names in the annotation at the top of the module, or drop "
    "`from __future__ import annotations` there.",
    "guard_missing": "its routes ask who is calling, and it has no guard: write guard.install(app).",
    "cors_inside": "it stands inside the guard, so that browsers cannot read refusals, which have no CORS "
    "headers then. Write app.add_middleware(CORSMiddleware, ...), which puts it outside.",
    "scopes_beyond_gateway": "it asks for several scopes at once. A gateway knows one list, of which any one "
    "is enough: there, name one of them. The app itself checks all.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. ``code`` is stable; ``where`` names the route; ``message`` says what to do."""

    code: Code
    where: str

    @property
    def message(self) -> str:
        """What is wrong, and what to do about it."""
        return _ADVICE[self.code]

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class OpenRoute(NamedTuple):
    """A way in that nobody guards. ``declared`` tells that the route says so itself."""

    code: Literal["unguarded", "unseen"]
    where: str
    path: str
    declared: bool = False

    def is_listed(self, public: Collection[str]) -> bool:
        """Whether ``public`` has it; a mount also as the ``/static/*`` that is everything in it."""
        return is_public(self.path, public) or f"{self.path}/*" in public


def audit(app: "FastAPI") -> list[Finding]:
    """What stands open in ``app`` without saying so, and traps. Mounted apps are looked into.

    Logged as warnings when the app starts. A route that asks for `OptionalUser` is no finding.
    """
    guard = find_guard(app)
    return [*_setup(app, guard), *_open(app, guard), *_routes(app, guard)]


def warn_at_startup(app: "FastAPI") -> None:
    """One warning for each finding, when the app starts."""

    def warn() -> None:
        for finding in audit(app):
            logger.warning("%s (%s)", finding, finding.code)

    run_at_startup(app, warn)


def list_open_routes(app: "FastAPI") -> Iterator[OpenRoute]:
    """What can be reached without a token, but for FastAPI's own pages and ours."""
    guard = find_guard(app)
    for way in _without_dependencies(app):
        if guard is None or not guard.deny_by_default or way.is_listed(guard.public):
            yield way


def _without_dependencies(app: "FastAPI") -> Iterator[OpenRoute]:
    for demand in list_routes(app):
        if not (demand.guarded or demand.iam or _is_own(demand.endpoint)):
            yield OpenRoute("unguarded", str(demand), demand.path, demand.public)
    for mount in list_opaque_mounts(app):
        if not _is_own(mount.app):
            yield OpenRoute("unseen", str(mount), mount.path)


def _is_own(thing: object) -> bool:
    """Whether FastAPI or this package has made it: a page of documentation, say."""
    module = getattr(thing, "__module__", None) or ""
    return module == "fastapi.applications" or module.partition(".")[0] == "fastapi_cognito_guard"


def _setup(app: "FastAPI", guard: Guard | None) -> Iterator[Finding]:
    if guard is None and any(
        (demand.guarded or demand.iam) and not demand.mounted for demand in list_routes(app)
    ):
        yield Finding("guard_missing", "the app")
    kinds: list[object] = [entry.cls for entry in app.user_middleware]
    if guard is not None and CORSMiddleware in kinds[kinds.index(GuardMiddleware) :]:
        yield Finding("cors_inside", "CORSMiddleware")


def _open(app: "FastAPI", guard: Guard | None) -> Iterator[Finding]:
    for way in list_open_routes(app):
        if not way.declared and not (guard is not None and way.is_listed(guard.public)):
            yield Finding(way.code, way.where)


def _routes(app: "FastAPI", guard: Guard | None) -> Iterator[Finding]:
    for demand in list_routes(app):
        yield from (Finding("unresolved", f"{demand}, parameter {name!r}") for name in demand.unresolved)
        # Only of scopes: of groups and claims no gateway knows anything.
        if len(demand.scopes) > 1 and guard is not None and guard.gateway != "ignore":
            yield Finding("scopes_beyond_gateway", str(demand))
