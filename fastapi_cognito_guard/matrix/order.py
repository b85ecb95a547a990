"""The order of access: whether all who meet some requirements also meet others.

The answer errs to one side only: "no" may be wrong where two requirements exclude each other, "yes" never is.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fastapi_cognito_guard.matrix.snapshot import GuardAccess, PoolAccess, RouteAccess
from fastapi_cognito_guard.matrix.traits import Trait, list_traits
from fastapi_cognito_guard.policy import takes_scopes
from fastapi_cognito_guard.request_state import GatewayMode

ANY = ("ANY_CLIENT", "ANY_BOUND_CLIENT")


_GATEWAYS: Mapping[GatewayMode, tuple[GatewayMode, ...]] = {
    "trust": ("trust", "require", "verify"),
    "require": ("require",),
    "verify": ("verify",),
    "ignore": ("ignore",),
}
"""By how a guard treats claims of a gateway: ways that take no caller whom it does not take."""


Clause = frozenset[Trait]
"""Traits of which any one is enough."""


class Site(NamedTuple):
    """A route's access, and the guard that identifies its callers."""

    route: RouteAccess
    guard: GuardAccess


def is_within(narrow: Site, wide: Site) -> bool:
    """Return True if everybody whom ``narrow`` lets through, ``wide`` lets through too.

    Whether the guards take the same tokens is another question: `is_guard_within`.
    """
    if wide.route.nobody:
        # With gateway="require", an optional user must be one whom a gateway vouches for.
        is_open = not (wide.route.optional and wide.guard.gateway == "require")
        return is_open or narrow.route == wide.route
    if narrow.route.iam != wide.route.iam:
        return False
    ranks = _rank_levels(wide.guard)
    known = _list_clauses(narrow, is_wide=False)
    return all(
        any(_implies(each, clause, ranks) for each in known) for clause in _list_clauses(wide, is_wide=True)
    )


def is_guard_within(narrow: GuardAccess, wide: GuardAccess) -> bool:
    """Return True if ``wide`` takes each token that ``narrow`` takes, and leaves as many paths open."""
    if narrow.semantics != wide.semantics or narrow.gateway not in _GATEWAYS[wide.gateway]:
        return False
    if narrow.leeway > wide.leeway or (narrow.directory and not wide.directory):
        return False
    if wide.deny_by_default and not (narrow.deny_by_default and set(narrow.public) <= set(wide.public)):
        return False
    return all(_is_pool_within(pool, wide.pools.get(name)) for name, pool in narrow.pools.items())


def _is_pool_within(narrow: PoolAccess, wide: PoolAccess | None) -> bool:
    if wide is None or narrow.levels != wide.levels or not set(narrow.token_use) <= set(wide.token_use):
        return False
    if wide.resource not in (None, narrow.resource):
        return False
    if wide.clients == narrow.clients or wide.clients == ANY[:1]:
        return True
    return wide.clients[0] not in ANY and set(narrow.clients) <= set(wide.clients)


def _list_clauses(site: Site, *, is_wide: bool) -> Sequence[Clause]:
    route, guard = site
    clauses = [frozenset(list_traits(each)) for each in route.requirements]
    if route.user:
        clauses.append(frozenset({Trait("user", "")}))
    if route.user and _chooses_token_by_scopes(guard):
        scoped = takes_scopes(route.requirements) if route.guarded else None
        uses = _list_token_uses(scoped, is_wide=is_wide)
        clauses.append(frozenset(Trait("token", use) for use in uses))
    return clauses


def _list_token_uses(scoped: bool | None, *, is_wide: bool) -> Sequence[str]:
    """Return the types of token that a route takes.

    Where scopes are one of several alternatives, and where only ``deny_by_default`` asks for a token, the app
    takes both, and the authorizer ID tokens only: what is let through at some door, and what at every door,
    are not the same.
    """
    if scoped is None:
        return ("id",) if is_wide else ("access", "id")
    return ("access",) if scoped else ("id",)


def _chooses_token_by_scopes(guard: GuardAccess) -> bool:
    """Return True if a route with scopes takes another type of token than one without, at some door.

    The authorizer of a REST API does, unless the app takes access tokens everywhere. With
    ``semantics="http"`` the app takes any token, so that only the authorizer counts.
    """
    takes_access = guard.directory or any("access" in pool.token_use for pool in guard.pools.values())
    return guard.semantics == "rest" or (guard.semantics == "http" and not takes_access)


def _implies(clause: Clause, other: Clause, ranks: Sequence[Sequence[str]]) -> bool:
    """Return True if whoever meets ``clause`` meets ``other``: each of its traits meets that too."""
    return all(any(_exceeds(trait, lower, ranks) for lower in other) for trait in clause)


def _exceeds(trait: Trait, lower: Trait, ranks: Sequence[Sequence[str]]) -> bool:
    if trait == lower:
        return True
    if (trait.kind, lower.kind) != ("level", "level"):
        return False
    fresh = lower.max_age is None or (trait.max_age is not None and trait.max_age <= lower.max_age)
    return fresh and (
        trait.name == lower.name
        or all(
            {trait.name, lower.name} <= set(levels) and levels.index(trait.name) >= levels.index(lower.name)
            for levels in ranks
        )
    )


def _rank_levels(guard: GuardAccess) -> Sequence[Sequence[str]]:
    """Return the orders of levels of all pools; with a directory, there may be any other."""
    return [*(pool.levels for pool in guard.pools.values()), *([()] if guard.directory else [])]
