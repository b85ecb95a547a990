"""Requirements of routes, as values. They are checked against a `Principal` only."""

import re
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from fastapi_cognito_guard.errors import (
    ConfigurationError,
    Forbidden,
    InsufficientClaim,
    InsufficientGroup,
    InsufficientPermission,
    InsufficientScope,
)
from fastapi_cognito_guard.principal import Principal, as_claim_text, list_claim_texts
from fastapi_cognito_guard.validation import escape_for_log

RequirementKind = Literal["scope", "group", "claim", "check", "any"]

# RFC 6749 section 3.3. A scope is written into a challenge, and must not be able to end its quotes.
_SCOPE = r"[\x21\x23-\x5B\x5D-\x7E]+"
_GROUP = r"\S(?:[^\x00-\x1f\x7f]{0,126}\S)?"
_REFUSALS: dict[RequirementKind, type[Forbidden]] = {
    "scope": InsufficientScope,
    "group": InsufficientGroup,
    "claim": InsufficientClaim,
    "check": InsufficientPermission,
    "any": InsufficientPermission,
}
_USER_ADMIN = "aws.cognito.signin.user.admin"


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """Requirement that any one of ``any_of`` meets, as with API Gateway's authorization scopes.

    Requirements with the same values in another order are equal. To require all of several values, use
    several requirements. ``require_group("admins") | require_scope("orders/admin")`` requires one of the two.

    ``kind``          ``"check"`` for a function of the app's own, ``"any"`` for one of ``alternatives``
    ``claim``         the claim's name; None for other kinds
    ``any_of``        names or values; for a check its own name
    ``alternatives``  requirements of other kinds, in a fixed order
    ``function``      of a check
    """

    kind: RequirementKind
    claim: str | None = None
    any_of: tuple[str, ...] = field(compare=False)
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
        if len(alternatives) == 1:
            (only,) = alternatives
            return type(self)(kind=only.kind, claim=only.claim, any_of=only.any_of, function=only.function)
        names = tuple(name for each in alternatives for name in each.any_of)
        return type(self)(kind="any", any_of=names, alternatives=alternatives)

    def check(self, principal: Principal, passed: Container["Requirement"] = ()) -> None:
        """Raise a `Forbidden` unless the principal meets this requirement.

        ``passed``: the checks of the app's own that have returned True.
        """
        if not self.is_met(principal, passed):
            client = escape_for_log(principal.client_id)
            raise _REFUSALS[self.kind](
                f"{self} is not met by this {principal.token_use} token of '{client}': "
                f"{_explain(self, principal)}",
                required=self.any_of,
            )

    def list_of_kind(self, kind: RequirementKind) -> list["Requirement"]:
        """Return this requirement or those of its alternatives that are of a kind."""
        return [each for each in self.alternatives or (self,) if each.kind == kind]

    @property
    def label(self) -> str:
        """Requirement in words: ``group admins or scope orders/admin``."""
        if self.kind == "any":
            return " or ".join(each.label for each in self.alternatives)
        names = " or ".join(self.any_of)
        if self.kind == "check":
            return names
        return f"{self.kind} {names}" if self.claim is None else f"{self.claim}: {names}"

    def is_met(self, principal: Principal, passed: Container["Requirement"] = ()) -> bool:
        """Return True if the principal meets this requirement. ``passed``: see `check`."""
        if self.kind == "any":
            return any(each.is_met(principal, passed) for each in self.alternatives)
        if self.kind == "check":
            return self in passed
        return not self._names.isdisjoint(self._values_of(principal))

    def _values_of(self, principal: Principal) -> frozenset[str]:
        if self.kind == "scope":
            return principal.scopes
        if self.kind == "group":
            return principal.groups
        return list_claim_texts(principal, self.claim or "")

    def __str__(self) -> str:
        if self.kind == "any":
            return " | ".join(map(str, self.alternatives))
        if self.kind == "check":
            return f"require(..., name={self.any_of[0]!r})"
        names = (*([self.claim] if self.claim is not None else []), *self.any_of)
        return f"require_{self.kind}({', '.join(map(repr, names))})"

    __repr__ = __str__


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
        key = (each.kind, each.claim, each if each.kind == "check" else None)
        same = merged.get(key)
        names = each.any_of if same is None else (*same.any_of, *each.any_of)
        merged[key] = replace(each, any_of=names)
    return tuple(sorted(merged.values(), key=str))


def _explain(requirement: Requirement, principal: Principal) -> str:
    """Return the remedy for this caller."""
    if requirement.kind == "any":
        return (
            "any one of these is enough: "
            + "; ".join(_explain(each, principal).removesuffix(".") for each in requirement.alternatives)
            + "."
        )
    return _REMEDIES[requirement.kind](requirement, principal)


def _explain_scope(requirement: Requirement, principal: Principal) -> str:
    if principal.token_use == "id":
        return 'an ID token has no scopes: send the access token ("access" must be in token_use).'
    if principal.scopes == {_USER_ADMIN}:
        return (
            "this token is of a sign-in through an SDK (InitiateAuth), which gets no other scopes: sign in "
            "through managed login (/oauth2/authorize), or add the scope in a pre-token-generation trigger."
        )
    return "let the app client have the scope, and ask for it at sign-in."


def _explain_group(requirement: Requirement, principal: Principal) -> str:
    if principal.is_machine:
        return "a machine has no groups: give its app client a scope, and require that."
    return "add the user to the group, and sign in again."


def _explain_claim(requirement: Requirement, principal: Principal) -> str:
    name = requirement.claim or ""
    if principal.token_use == "access" and (name in _ATTRIBUTES or name.startswith("custom:")):
        return (
            "attributes are in ID tokens only: send the ID token, or add the claim to access tokens in a "
            "pre-token-generation trigger."
        )
    return "set the claim (attribute, or pre-token-generation trigger), and sign in again."


def _explain_check(requirement: Requirement, principal: Principal) -> str:
    return "the app's own check returned False."


_REMEDIES: dict[RequirementKind, Callable[[Requirement, Principal], str]] = {
    "scope": _explain_scope,
    "group": _explain_group,
    "claim": _explain_claim,
    "check": _explain_check,
}
# OpenID Connect Core section 5.1: Cognito's standard attributes.
_ATTRIBUTES = frozenset(
    "name family_name given_name middle_name nickname preferred_username profile picture website email "
    "email_verified gender birthdate zoneinfo locale phone_number phone_number_verified address "
    "updated_at".split()
)


def check_scope_names(names: Sequence[object]) -> tuple[str, ...]:
    """Return names of scopes. Raises `ConfigurationError` for none, or for one that is not a scope."""
    return _check_names(
        names, _SCOPE, 'require_scope("orders/read", ...): at least one name, each a string without spaces'
    )


def check_group_names(names: Sequence[object]) -> tuple[str, ...]:
    """Return names of groups. Raises `ConfigurationError` for none, or for one that is not a group name."""
    return _check_names(
        names, _GROUP, 'require_group("admins", ...): at least one name, each of 1 to 128 characters'
    )


def check_claim_values(values: Sequence[object]) -> tuple[str, ...]:
    """Return values of a claim as the text that both doors deliver. Raises `ConfigurationError`."""
    texts = [as_claim_text(value) for value in values]
    if not texts or not all(texts):
        raise ConfigurationError(
            'Write require_claim("custom:tier", "gold", ...): values are text, whole numbers or booleans.'
        )
    return tuple(text for (text,) in texts)


def check_all_scopes(principal: Principal, scopes: Sequence[str]) -> None:
    """Raise `InsufficientScope` unless the principal has all scopes: the rule of FastAPI's ``Security``."""
    if not principal.scopes.issuperset(scopes):
        missing = [scope for scope in check_scope_names(scopes) if scope not in principal.scopes]
        raise InsufficientScope(
            f"Security scopes {', '.join(missing)} are missing: "
            + _explain_scope(Requirement(kind="scope", any_of=tuple(missing)), principal),
            required=check_scope_names(scopes),
            missing=missing,
        )


def _check_names(names: Sequence[object], form: str, usage: str) -> tuple[str, ...]:
    good = tuple(name for name in names if isinstance(name, str) and re.fullmatch(form, name))
    if not good or len(good) != len(names):
        raise ConfigurationError(f"Write {usage}.")
    return good
