"""Outcomes that requests to a route can have, and the outcome of one request."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi_cognito_guard.app.routes import OpaqueMount, RouteInfo, list_opaque_mounts, list_routes
from fastapi_cognito_guard.audit import is_built_in, is_page, list_open_routes
from fastapi_cognito_guard.decisions import Decision
from fastapi_cognito_guard.dependants import as_value
from fastapi_cognito_guard.errors import GatewayClaimsMissing, IamIdentityMissing, TokenMissing
from fastapi_cognito_guard.middleware import find_guard
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.protected_app import ProtectedApp
from fastapi_cognito_guard.request_state import RequestState

if TYPE_CHECKING:
    from fastapi import FastAPI

REACHED = "reached"
ALLOWED = "allowed"
ANONYMOUS = "allowed without a token"
NO_TOKEN = "refused without a token"
NO_IAM_CALLER = "refused without an IAM caller"

_NO_TOKEN_CODES = (TokenMissing.code, GatewayClaimsMissing.code)
_FIRST_ERROR = 400  # status


@dataclass(frozen=True, slots=True)
class RouteOutcomes:
    """Outcomes that a route can have. ``refusals``: the outcome for each of its requirements."""

    outcomes: tuple[str, ...]
    refusals: dict[Requirement, str]
    needs_iam: bool = False

    def classify(self, state: RequestState, status: int | None, decision: Decision | None) -> str | None:
        """Return the outcome of a request, or None if it is not one that the route is listed with."""
        found: str | None
        if decision is None:
            found = self._classify_undecided(status)
        elif decision.outcome == "allowed":
            found = self._classify_allowed(state, status)
        else:
            found = self._classify_refused(decision)
        return found if found in self.outcomes else None

    def _classify_undecided(self, status: int | None) -> str:
        return ANONYMOUS if ANONYMOUS in self.outcomes and _is_answered(status) else REACHED

    def _classify_allowed(self, state: RequestState, status: int | None) -> str | None:
        if REACHED in self.outcomes:
            return REACHED
        if self.needs_iam and state.user_arn is None:
            return None
        # An error may come from a dependency that ran before a requirement was checked.
        return ALLOWED if _is_answered(status) else None

    def _classify_refused(self, decision: Decision) -> str | None:
        if decision.requirement is not None:
            return self.refusals.get(as_value(decision.requirement))
        if decision.code == IamIdentityMissing.code:
            return NO_IAM_CALLER
        if decision.code in _NO_TOKEN_CODES:
            return NO_TOKEN if NO_TOKEN in self.outcomes else NO_IAM_CALLER
        return None


def list_outcomes(app: "FastAPI") -> Iterator[tuple[RouteInfo | OpaqueMount, RouteOutcomes]]:
    """Return the routes of an app, each with its outcomes. Pages of FastAPI and this package are left out.

    If the guard is not installed, but protects mounts, these are all that it sees.
    """
    guard = find_guard(app)
    open_routes = {route.where for route in list_open_routes(app)}
    for route in list_routes(app):
        is_protected = isinstance(route.endpoint, ProtectedApp)
        if is_protected or (guard is not None and not is_page(route)):
            yield route, _list_of_route(route, is_open=str(route) in open_routes)
    for mount in list_opaque_mounts(app):
        if guard is not None and not is_built_in(mount.app):
            is_open = str(mount) in open_routes
            yield mount, RouteOutcomes((REACHED,) if is_open else (ALLOWED, NO_TOKEN), {})


def _list_of_route(route: RouteInfo, *, is_open: bool) -> RouteOutcomes:
    refusals = _name_refusals(route.requirements)
    is_closed = not (is_open or route.guarded or route.iam)  # by deny_by_default alone
    needs_user = (route.guarded and not route.optional) or is_closed
    if needs_user or route.iam:
        missing = [*([NO_TOKEN] if needs_user else []), *([NO_IAM_CALLER] if route.iam else [])]
        return RouteOutcomes((ALLOWED, *missing, *refusals.values()), refusals, route.iam)
    return RouteOutcomes((ALLOWED, ANONYMOUS) if route.optional else (REACHED,), refusals)


def _name_refusals(requirements: tuple[Requirement, ...]) -> dict[Requirement, str]:
    """Name each refusal. Different checks may have the same name: they are numbered."""
    seen: Counter[str] = Counter()
    named = {}
    for each in requirements:
        seen[str(each)] += 1
        number = f" ({seen[str(each)]})" if seen[str(each)] > 1 else ""
        named[each] = f"refused by {each}{number}"
    return named


def _is_answered(status: int | None) -> bool:
    return status is not None and status < _FIRST_ERROR
