"""Changes between two snapshots: routes that are new, gone, wider or narrower, and for whom."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from fastapi_cognito_guard.claims import build_principal
from fastapi_cognito_guard.matrix.callers import Caller
from fastapi_cognito_guard.matrix.derived import derive_callers
from fastapi_cognito_guard.matrix.order import Site, is_guard_within, is_within
from fastapi_cognito_guard.matrix.snapshot import APP, GuardAccess, RouteAccess, Snapshot
from fastapi_cognito_guard.matrix.tokens import build_claims
from fastapi_cognito_guard.policy import takes_scopes
from fastapi_cognito_guard.pool import ANY_CLIENT, UserPool
from fastapi_cognito_guard.principal import COGNITO_LEVELS, Principal

May = Literal["yes", "check"]
"""Whether a caller may call: surely, or if a check of the app's own agrees."""

Kind = Literal["public", "wider", "new", "narrower", "gone", "same"]

ORDER: tuple[Kind, ...] = ("public", "wider", "new", "narrower", "gone", "same")
"""Kinds of changes, the one to look at first first."""

_ANY_METHOD = frozenset({"any", "method"})
_GAINED = {"surely": "without the check", "perhaps": "if the check agrees"}
_LOST = {"surely": "unless the check agrees", "perhaps": "if the check agreed"}
_STAND_IN = "us-east-1_Example"
_NOW = 2.0**31  # the time at which callers are judged; only the age of their sign-in counts


class Change(NamedTuple):
    """A change of one route, or of the tokens that a guard takes.

    ``kind``    ``"public"``: anybody may call it now; ``"wider"``: somebody may who could not before;
                ``"same"``: written otherwise, for the same callers
    ``where``   the route, or ``settings of the guard``
    ``before``, ``after``  who may call, in words; empty for what is not there
    ``gained``, ``lost``   callers who may now, and who may no more, by name, and with what a check decides
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
        where = "settings of the guard" if name == APP else f"settings of the guard for {name}"
        yield Change(kind, where, describe_guard(old), describe_guard(new))


def describe_guard(guard: GuardAccess | None) -> str:
    """Return the tokens that a guard takes, and its settings, in words."""
    if guard is None:
        return ""
    pools = [
        f"{' and '.join(pool.token_use)} tokens of {', '.join(pool.clients)} in {name}"
        + (f" for {pool.resource}" if pool.resource else "")
        for name, pool in guard.pools.items()
    ]
    settings = f'semantics="{guard.semantics}", gateway="{guard.gateway}"'
    settings += f", leeway={guard.leeway:g}" if guard.leeway else ""
    settings += f", deny_by_default, public={list(guard.public)}" if guard.deny_by_default else ""
    directory = ["tokens of the pools in a directory"] if guard.directory else []
    return f"{'; '.join([*pools, *directory])} ({settings})"


def _compare_routes(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    callers = _list_callers([*before.routes.values(), *after.routes.values()])
    earlier = {name: find_earlier(name, before.routes) for name in after.routes}
    pairs: list[tuple[str | None, str | None]] = [
        (known, name) for name, found in earlier.items() for known in (found or (None,))
    ]
    pairs += [(name, None) for name in before.routes if not any(name in found for found in earlier.values())]
    for known, name in pairs:
        old = None if known is None else before.routes[known]
        new = None if name is None else after.routes[name]
        if old == new and known == name:
            continue
        may_before, may_after = _list_allowed(old, before, callers), _list_allowed(new, after, callers)
        other_name = "" if known in (name, None) or name is None else f"{known}: "
        yield Change(
            _find_kind(_find_site(old, before), _find_site(new, after)),
            str(name or known),
            "" if old is None else f"{other_name}{old.words}",
            "" if new is None else new.words,
            tuple(_list_missing(may_after, may_before, **_GAINED)),
            tuple(_list_missing(may_before, may_after, **_LOST)),
        )


def find_earlier(name: str, routes: Iterable[str]) -> list[str]:
    """Return the earlier routes for the same requests: that of the name, or with other names in the path.

    Several, if they had some of the methods each.
    """
    listed = list(routes)
    if name in listed:
        return [name]
    methods, shape = _read_name(name)
    return [each for each in listed if _overlaps(_read_name(each), methods, shape)]


def _read_name(name: str) -> tuple[frozenset[str], str]:
    """Return the methods of a route, and its path without the names in it: ``/orders/{:int}``."""
    methods, _, path = name.rpartition(" ")
    return frozenset(methods.split()), re.sub(r"\{[^{}:]*(:[^{}]*)?\}", r"{\1}", path)


def _overlaps(other: tuple[frozenset[str], str], methods: frozenset[str], shape: str) -> bool:
    is_any = "WebSocket" not in (methods | other[0]) and _ANY_METHOD in (methods, other[0])
    return other[1] == shape and (is_any or bool(other[0] & methods))


def _list_missing(
    names: Mapping[str, May], others: Mapping[str, May], *, surely: str, perhaps: str
) -> Iterator[str]:
    """List the callers who are, or are more surely, in ``names`` than in ``others``.

    ``surely`` and ``perhaps`` say what the check of the app's own has to do with it.
    """
    for name, may in names.items():
        other = others.get(name)
        if may == "yes" and other != "yes":
            yield name if other is None else f"{name} ({surely})"
        elif may == "check" and other is None:
            yield f"{name} ({perhaps})"


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


def _list_allowed(
    route: RouteAccess | None, snapshot: Snapshot, callers: Iterable[Caller]
) -> Mapping[str, May]:
    """Return the callers whom a route lets through, by name: surely, or if a check of its own agrees."""
    if route is None:
        return {}
    guard = snapshot.guards[route.guard]
    found = {caller.name: _may_call(route, guard, caller) for caller in callers}
    return {name: may for name, may in found.items() if may is not None}


def _may_call(route: RouteAccess, guard: GuardAccess, caller: Caller) -> May | None:
    if route.nobody:
        return "yes"
    if caller.kind in ("nobody", "iam") or route.iam:
        return "yes" if route.iam and caller.kind == "iam" and not route.user else None
    answers = [_judge(route, guard, each) for each in _list_principals(caller, guard)]
    return "yes" if "yes" in answers else "check" if "check" in answers else None


def _judge(route: RouteAccess, guard: GuardAccess, principal: Principal) -> May | None:
    if guard.semantics == "rest" and route.guarded:
        scoped = takes_scopes(route.requirements)
        if scoped is not None and (principal.token_use == "access") is not scoped:
            return None
    unmet = [each for each in route.requirements if not each.is_met(principal, now=_read_now)]
    if not all(each.list_of_kind("check") for each in unmet):
        return None
    return "check" if unmet else "yes"


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
