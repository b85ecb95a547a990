"""The access to all routes of an app as values: what a reviewed file holds, and what is compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.dependants import as_value
from fastapi_cognito_guard.guard import CognitoGuard, installed_guard
from fastapi_cognito_guard.matrix.routes import GuardedRoute, list_guarded_routes
from fastapi_cognito_guard.matrix.words import ANY_CALLER, describe_requirements
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.pool import AnyClient, UserPool
from fastapi_cognito_guard.request_state import GatewayMode

if TYPE_CHECKING:
    from fastapi import FastAPI

_DENIED = "(asked for by deny_by_default)"
APP = "app"
"""Name of the app's own guard. Others are named by their resource, or by the path of their app."""


class PoolAccess(NamedTuple):
    """The tokens of a pool that a guard takes. ``clients`` are ids, or ``ANY_CLIENT`` alone."""

    clients: tuple[str, ...]
    token_use: tuple[str, ...]
    resource: str | None
    levels: tuple[str, ...]


class GuardAccess(NamedTuple):
    """Tokens that a guard takes, by pool id; with ``directory`` also those of pools in a directory.

    ``public`` are the paths that ``deny_by_default`` leaves open.
    """

    semantics: Semantics
    gateway: GatewayMode
    leeway: float
    directory: bool
    deny_by_default: bool
    public: tuple[str, ...]
    pools: Mapping[str, PoolAccess]


class RouteAccess(NamedTuple):
    """Access to a route.

    ``guard``    the name of the guard that identifies callers
    ``nobody``   true if a request without credentials may
    ``optional`` true if a token may be missing, but must be valid if it is there
    ``user``     true if a valid token is due; ``iam`` if a signature with AWS credentials is
    ``guarded``  true if the route itself asks for the user, and not only ``deny_by_default``
    """

    guard: str
    nobody: bool
    optional: bool
    user: bool
    iam: bool
    guarded: bool
    requirements: tuple[Requirement, ...]

    @property
    def words(self) -> str:
        """Access in words: ``group admins and scope orders/write``."""
        if self.nobody:
            return "anybody"
        parts = ["an IAM caller"] if self.iam else []
        if self.requirements:
            parts.append(describe_requirements(self.requirements))
        elif self.user:
            parts.append(ANY_CALLER if self.guarded and not self.optional else f"{ANY_CALLER} {_DENIED}")
        return " and ".join(parts)


@dataclass(frozen=True)
class Snapshot:
    """The access to an app: its guards and its routes, by name."""

    guards: Mapping[str, GuardAccess]
    routes: Mapping[str, RouteAccess]


def take_snapshot(app: "FastAPI") -> Snapshot:
    """Read the access to all routes, sorted by path. Raises `ConfigurationError` without a guard."""
    routes = sorted(list_guarded_routes(app), key=lambda route: (route.info.path, route.name))
    names = _name_guards(installed_guard(app), routes)
    return Snapshot(
        {name: _read_guard(guard) for guard, name in names.items()},
        {route.name: read_access(route, names[route.guard]) for route in routes},
    )


def _name_guards(own: CognitoGuard, routes: Iterable[GuardedRoute]) -> dict[CognitoGuard, str]:
    names = {own: APP}
    for route in routes:
        if route.guard not in names:
            resource = next((pool.resource for pool in route.guard.pools if pool.resource), None)
            names[route.guard] = resource or route.info.path
    return names


def _read_guard(guard: CognitoGuard) -> GuardAccess:
    return GuardAccess(
        semantics=guard.semantics,
        gateway=guard.gateway,
        leeway=guard.validator.leeway,
        directory=guard.directory is not None,
        deny_by_default=guard.deny_by_default,
        public=tuple(sorted(guard.public)) if guard.deny_by_default else (),
        pools={pool.id: _read_pool(pool) for pool in sorted(guard.pools, key=lambda pool: pool.id)},
    )


def _read_pool(pool: UserPool) -> PoolAccess:
    clients: Any = pool.client_ids
    return PoolAccess(
        clients=(repr(clients),) if isinstance(clients, AnyClient) else tuple(sorted(clients)),
        token_use=tuple(sorted(pool.token_use)),
        resource=pool.resource,
        levels=tuple(pool.levels),
    )


def read_access(route: GuardedRoute, guard: str) -> RouteAccess:
    """Read who may call a route. ``guard``: the name of the guard that identifies its callers."""
    needs_user = route.denied and not route.info.iam
    return RouteAccess(
        guard=guard,
        nobody=route.open_to_nobody,
        optional=route.info.optional,
        user=(route.info.guarded and not route.info.optional) or needs_user,
        iam=route.info.iam,
        guarded=route.info.guarded,
        requirements=tuple(sorted({_without_function(each) for each in route.requirements}, key=str)),
    )


def _without_function(requirement: Requirement) -> Requirement:
    """Return a requirement as a file can hold it: a check of the app's own by its name."""
    value = as_value(requirement)
    return Requirement(
        kind=value.kind,
        claim=value.claim,
        any_of=tuple(sorted(value.any_of)),
        max_age=value.max_age,
        alternatives=tuple(map(_without_function, value.alternatives)),
    )
