"""What changed between two snapshots: which routes are new, gone, wider or narrower, and for whom."""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from fastapi_cognito_guard.claims import build_principal
from fastapi_cognito_guard.matrix.callers import Caller
from fastapi_cognito_guard.matrix.derived import derive_callers
from fastapi_cognito_guard.matrix.order import Site, is_guard_within, is_within
from fastapi_cognito_guard.matrix.snapshot import GuardAccess, RouteAccess, Snapshot
from fastapi_cognito_guard.matrix.tokens import build_claims
from fastapi_cognito_guard.policy import takes_scopes
from fastapi_cognito_guard.pool import ANY_CLIENT, UserPool
from fastapi_cognito_guard.principal import COGNITO_LEVELS, Principal

Kind = Literal["public", "wider", "new", "narrower", "gone", "same"]

ORDER: tuple[Kind, ...] = ("public", "wider", "new", "narrower", "gone", "same")
"""Kinds of changes, the one to look at first first."""

_STAND_IN = "us-east-1_Example"
_NOW = 2.0**31  # the time at which callers are judged; only the age of their sign-in counts


class Change(NamedTuple):
    """A change of one route, or of the tokens that a guard takes.

    ``kind``    ``"public"``: anybody may call it now; ``"wider"``: somebody may who could not before;
                ``"same"``: written otherwise, for the same callers
    ``where``   the route, or ``tokens of <guard>``
    ``before``, ``after``  who may call, in words; empty for what is not there
    ``gained``, ``lost``   names of callers who may now, and who may no more
    """

    kind: Kind
    where: str
    before: str
    after: str
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def is_wider(self) -> bool:
        """True if somebody may do what nobody of their kind could before, in a route that was there."""
        return self.kind in ("public", "wider")


def compare(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """Return the changes, those that widen access first."""
    changes = [*_compare_guards(before, after), *_compare_routes(before, after)]
    return tuple(sorted(changes, key=lambda change: (ORDER.index(change.kind), change.where)))


def _compare_guards(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    for name in sorted({*before.guards, *after.guards}):
        old, new = before.guards.get(name), after.guards.get(name)
        if old == new:
            continue
        wider = old is not None and new is not None and not is_guard_within(new, old)
        kind: Kind = "new" if old is None else "gone" if new is None else "wider" if wider else "narrower"
        yield Change(kind, f"tokens of {name}", describe_guard(old), describe_guard(new))


def describe_guard(guard: GuardAccess | None) -> str:
    """Return the tokens that a guard takes, in words."""
    if guard is None:
        return ""
    pools = [
        f"{' and '.join(pool.token_use)} tokens of {', '.join(pool.clients)} in {name}"
        + (f" for {pool.resource}" if pool.resource else "")
        for name, pool in guard.pools.items()
    ]
    settings = f'semantics="{guard.semantics}", gateway="{guard.gateway}"'
    leeway = f", leeway={guard.leeway:g}" if guard.leeway else ""
    directory = ["tokens of the pools in a directory"] if guard.directory else []
    return f"{'; '.join([*pools, *directory])} ({settings}{leeway})"


def _compare_routes(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    callers = _list_callers([*before.routes.values(), *after.routes.values()])
    for name in sorted({*before.routes, *after.routes}):
        old, new = before.routes.get(name), after.routes.get(name)
        if old == new:
            continue
        may_before = _list_allowed(old, before, callers)
        may_after = _list_allowed(new, after, callers)
        yield Change(
            _find_kind(_find_site(old, before), _find_site(new, after)),
            name,
            "" if old is None else old.words,
            "" if new is None else new.words,
            tuple(each for each in may_after if each not in may_before),
            tuple(each for each in may_before if each not in may_after),
        )


def _find_site(route: RouteAccess | None, snapshot: Snapshot) -> Site | None:
    return None if route is None else Site(route, snapshot.guards[route.guard])


def _find_kind(old: Site | None, new: Site | None) -> Kind:
    if new is None:
        return "gone"
    if new.route.nobody and not (old is not None and old.route.nobody):
        return "public"
    if old is None:
        return "new"
    if old.route.guard != new.route.guard or not is_within(new, old):
        return "wider"
    return "same" if is_within(old, new) else "narrower"


def _list_callers(routes: Iterable[RouteAccess]) -> tuple[Caller, ...]:
    listed = list(routes)
    return derive_callers([route.requirements for route in listed], {}, iam=any(each.iam for each in listed))


def _list_allowed(route: RouteAccess | None, snapshot: Snapshot, callers: Iterable[Caller]) -> list[str]:
    """Return the names of the callers whom a route lets through, if its own checks do."""
    if route is None:
        return []
    guard = snapshot.guards[route.guard]
    return [caller.name for caller in callers if _is_allowed(route, guard, caller)]


def _is_allowed(route: RouteAccess, guard: GuardAccess, caller: Caller) -> bool:
    if route.nobody:
        return True
    if caller.kind in ("nobody", "iam") or route.iam:
        return route.iam and caller.kind == "iam" and not route.user
    return any(_meets_all(route, guard, each) for each in _list_principals(caller, guard))


def _meets_all(route: RouteAccess, guard: GuardAccess, principal: Principal) -> bool:
    if guard.semantics == "rest" and route.guarded:
        scoped = takes_scopes(route.requirements)
        if scoped is not None and (principal.token_use == "access") is not scoped:
            return False
    return all(
        requirement.is_met(principal, now=_read_now) or requirement.list_of_kind("check")
        for requirement in route.requirements
    )


def _list_principals(caller: Caller, guard: GuardAccess) -> Iterator[Principal]:
    """Return a caller as the tokens show it that the guard takes."""
    pool_id = caller.pool_id or next(iter(guard.pools), _STAND_IN)
    access = guard.pools.get(pool_id)
    levels = COGNITO_LEVELS if access is None else access.levels
    pool = UserPool(pool_id, client_ids=ANY_CLIENT, issuer=f"https://pool.example/{pool_id}", levels=levels)
    for claims in build_claims(caller, pool, now=_NOW):
        use = claims["token_use"]
        if guard.semantics != "strict" or access is None or use in access.token_use:
            yield build_principal(claims, "token", use, guard.semantics, {}, pool=pool)


def _read_now() -> float:
    return _NOW
