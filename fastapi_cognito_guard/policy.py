"""Requirements of routes, as values. They are checked against a `Principal` only."""

import time
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from fastapi_cognito_guard.errors import (
    AuthError,
    DelegatedCaller,
    Forbidden,
    InsufficientClaim,
    InsufficientGroup,
    InsufficientLevel,
    InsufficientPermission,
    InsufficientScope,
    PoolMismatch,
)
from fastapi_cognito_guard.principal import Principal, list_claim_texts
from fastapi_cognito_guard.remedies import RequirementKind, explain_remedy
from fastapi_cognito_guard.requirement_names import check_scope_names
from fastapi_cognito_guard.validation import escape_for_log

Clock = Callable[[], float]

_REFUSALS: dict[RequirementKind, type[Forbidden]] = {
    "scope": InsufficientScope,
    "group": InsufficientGroup,
    "claim": InsufficientClaim,
    "actor": DelegatedCaller,
    "direct": DelegatedCaller,
    "pool": PoolMismatch,
    "check": InsufficientPermission,
    "any": InsufficientPermission,
}

LISTED_KINDS: tuple[RequirementKind, ...] = ("scope", "group", "claim")
"""Kinds of requirements that documents and lists write by their values. Others are written as a label."""


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """Requirement that any one of ``any_of`` meets, as with API Gateway's authorization scopes.

    Requirements with the same values in another order are equal. To require all of several values, use
    several requirements. ``require_group("admins") | require_scope("orders/admin")`` requires one of the two.

    ``kind``          ``"check"`` for a function of the app's own, ``"any"`` for one of ``alternatives``
    ``claim``         the claim's name; None for other kinds
    ``any_of``        names or values; for a check its own name
    ``max_age``       of the sign-in, in seconds, for a level; None for no limit
    ``alternatives``  requirements of other kinds, in a fixed order
    ``function``      of a check
    """

    kind: RequirementKind
    claim: str | None = None
    any_of: tuple[str, ...] = field(compare=False)
    max_age: int | None = None
    alternatives: tuple["Requirement", ...] = ()
    function: Callable[..., Any] | None = field(default=None, repr=False)
    _names: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "any_of", tuple(dict.fromkeys(self.any_of)))
        object.__setattr__(self, "_names", frozenset(self.any_of))

    def __or__(self, other: "Requirement") -> Self:
        if not isinstance(other, Requirement):
            return NotImplemented
        alternatives = _merge([*(self.alternatives or [self]), *(other.alternatives or [other])])
        if len(alternatives) > 1:
            names = tuple(name for each in alternatives for name in each.any_of)
            return type(self)(kind="any", any_of=names, alternatives=alternatives)
        (only,) = alternatives
        return type(self)(
            kind=only.kind, claim=only.claim, any_of=only.any_of, max_age=only.max_age, function=only.function
        )

    def check(
        self, principal: Principal, passed: Container["Requirement"] = (), *, now: Clock | None = None
    ) -> None:
        """Raise a `Forbidden`, or `InsufficientLevel`, unless the principal meets this requirement.

        ``passed``: the checks of the app's own that have returned True. ``now``: the clock, in
        seconds since the epoch.
        """
        if not self.is_met(principal, passed, now=now):
            error = self._build_error(principal)
            error.requirement = self
            raise error

    def list_of_kind(self, kind: RequirementKind) -> list["Requirement"]:
        """Return this requirement or those of its alternatives that are of a kind."""
        return [each for each in self.alternatives or (self,) if each.kind == kind]

    @property
    def is_left_to_app(self) -> bool:
        """True if no gateway can decide it in advance: a check of the app's own, or the age of a sign-in."""
        return any(each.kind == "check" or each.max_age is not None for each in self.alternatives or (self,))

    @property
    def label(self) -> str:
        """Requirement in words: ``group admins or scope orders/admin``."""
        names = " or ".join(each.label for each in self.alternatives) or " or ".join(self.any_of)
        match self.kind:
            case "any" | "check":
                return names
            case "claim":
                return f"{self.claim}: {names}"
            case "direct":
                return "no actor"
            case "level" if self.max_age is not None:
                return f"level {names}, {self.max_age} s old at most"
        return f"{self.kind} {names}"

    def is_met(
        self, principal: Principal, passed: Container["Requirement"] = (), *, now: Clock | None = None
    ) -> bool:
        """Return True if the principal meets this requirement. The arguments are those of `check`."""
        match self.kind:
            case "any":
                return any(each.is_met(principal, passed, now=now) for each in self.alternatives)
            case "check":
                return self in passed
            case "direct":
                return principal.actor is None
            case "level":
                return self._has_level(principal, now or time.time)
        return not self._names.isdisjoint(self._values_of(principal))

    def _values_of(self, principal: Principal) -> frozenset[str]:
        if self.kind == "scope":
            return principal.scopes
        if self.kind == "group":
            return principal.groups
        if self.kind == "actor":
            return _list_actor_names(principal)
        if self.kind == "pool":
            return frozenset({principal.pool_id})
        return list_claim_texts(principal, self.claim or "")

    def _has_level(self, principal: Principal, now: Clock) -> bool:
        """Return True if the level reached is at least the required one, and the sign-in is not too old."""
        (required,) = self._names
        if principal.level is None or required not in principal.levels:
            return False
        if principal.levels.index(principal.level) < principal.levels.index(required):
            return False
        signed_in = principal.claim("auth_time")
        return self.max_age is None or (signed_in is not None and now() - signed_in <= self.max_age)

    def _build_error(self, principal: Principal) -> AuthError:
        client = escape_for_log(principal.client_id)
        kinds = self.alternatives or (self,)
        remedies = [explain_remedy(each.kind, each.claim, principal).removesuffix(".") for each in kinds]
        enough = "any one of these is enough: " if self.alternatives else ""
        reason = (
            f"{self} is not met by this {principal.token_use} token of '{client}': "
            f"{enough}{'; '.join(remedies)}."
        )
        if self.kind == "level":
            return InsufficientLevel(reason, levels=self._list_levels(principal), max_age=self.max_age)
        return _REFUSALS[self.kind](reason, required=self.any_of)

    def _list_levels(self, principal: Principal) -> tuple[str, ...]:
        """Return the levels that would do, the required one first (RFC 9470 section 3: by preference)."""
        (required,) = self.any_of
        levels = principal.levels
        return levels[levels.index(required) :] if required in levels else (required,)

    def __str__(self) -> str:
        if self.kind == "any":
            return " | ".join(map(str, self.alternatives))
        if self.kind == "check":
            return f"require(..., name={self.any_of[0]!r})"
        names = map(repr, (*([self.claim] if self.claim is not None else []), *self.any_of))
        age = [] if self.max_age is None else [f"max_age={self.max_age}"]
        return f"require_{self.kind}({', '.join([*names, *age])})"

    __repr__ = __str__


def _list_actor_names(principal: Principal) -> frozenset[str]:
    """Return the current actor's subject, unless it is a subject of another issuer."""
    actor = principal.actor
    return frozenset({actor.sub} if actor is not None and actor.issuer in (None, principal.issuer) else ())


def takes_scopes(requirements: Iterable[Requirement]) -> bool | None:
    """Return True if some requirement is met by scopes alone, False if none is, and None if either may do.

    By this a REST API chooses the type of token.
    """
    found: bool | None = False
    for each in requirements:
        if each.kind == "scope":
            return True
        if each.list_of_kind("scope"):
            found = None
    return found


def _merge(alternatives: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """Join alternatives of one kind, and return all in a fixed order."""
    merged: dict[tuple[object, ...], Requirement] = {}
    for each in alternatives:
        # Names of one kind are alternatives. Each check, and each level with its age, stands for itself.
        key = (each.kind, each.claim, each if each.kind in ("check", "level") else None)
        same = merged.get(key)
        names = each.any_of if same is None else (*same.any_of, *each.any_of)
        merged[key] = replace(each, any_of=names)
    return tuple(sorted(merged.values(), key=str))


def check_all_scopes(principal: Principal, scopes: Sequence[str]) -> None:
    """Raise `InsufficientScope` unless the principal has all scopes: the rule of FastAPI's ``Security``.

    Each scope is a requirement. The error names the first of those that are not met.
    """
    if not principal.scopes.issuperset(scopes):
        missing = [scope for scope in check_scope_names(scopes) if scope not in principal.scopes]
        error = InsufficientScope(
            f"Security scopes {', '.join(missing)} are missing: " + explain_remedy("scope", None, principal),
            required=check_scope_names(scopes),
            missing=missing,
        )
        error.requirement = Requirement(kind="scope", any_of=(missing[0],))
        raise error
