"""Requirements of routes, as values. They are checked against a `Principal` only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from fastapi_cognito_guard.errors import (
    ConfigurationError,
    Forbidden,
    InsufficientClaim,
    InsufficientGroup,
    InsufficientScope,
)
from fastapi_cognito_guard.principal import Principal, as_claim_text, list_claim_texts
from fastapi_cognito_guard.validation import escape_for_log

RequirementKind = Literal["scope", "group", "claim"]

# RFC 6749 section 3.3. A scope is written into a challenge, and must not be able to end its quotes.
_SCOPE = r"[\x21\x23-\x5B\x5D-\x7E]+"
_GROUP = r"\S{1,128}"
_REFUSALS: dict[RequirementKind, type[Forbidden]] = {
    "scope": InsufficientScope,
    "group": InsufficientGroup,
    "claim": InsufficientClaim,
}


_REMEDIES: dict[RequirementKind, str] = {
    "scope": "let the app client have the scope, ask for it at sign-in, and send the access token "
    '(an ID token has no scopes; "access" must be in token_use).',
    "group": "add the user to the group, and sign in again.",
    "claim": "set the claim (attribute, or pre-token-generation trigger), and sign in again.",
}


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """Requirement that any one of ``any_of`` meets, as with API Gateway's authorization scopes.

    Requirements with the same values in another order are equal. To require all of several values, use
    several requirements.
    """

    kind: RequirementKind
    claim: str | None = None
    any_of: tuple[str, ...] = field(compare=False)
    _names: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "any_of", tuple(dict.fromkeys(self.any_of)))
        object.__setattr__(self, "_names", frozenset(self.any_of))

    def check(self, principal: Principal) -> None:
        """Raise `InsufficientScope`, `-Group` or `-Claim` unless the principal meets this requirement."""
        if self._names.isdisjoint(self._values_of(principal)):
            client = escape_for_log(principal.client_id)
            raise _REFUSALS[self.kind](
                f"{self} is not met by this {principal.token_use} token of '{client}': "
                f"{_REMEDIES[self.kind]}",
                required=self.any_of,
            )

    def _values_of(self, principal: Principal) -> frozenset[str]:
        if self.kind == "scope":
            return principal.scopes
        if self.kind == "group":
            return principal.groups
        return list_claim_texts(principal, self.claim or "")

    def __str__(self) -> str:
        names = (*([self.claim] if self.claim is not None else []), *self.any_of)
        return f"require_{self.kind}({', '.join(map(repr, names))})"

    __repr__ = __str__


def check_scope_names(names: Sequence[object]) -> tuple[str, ...]:
    """Return names of scopes. Raises `ConfigurationError` for none, or for one that is not a scope."""
    return _check_names(names, _SCOPE, 'require_scope("orders/read", ...)')


def check_group_names(names: Sequence[object]) -> tuple[str, ...]:
    """Return names of groups. Raises `ConfigurationError` for none, or for one that is not a group name."""
    return _check_names(names, _GROUP, 'require_group("admins", ...)')


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
            f"Security scopes {', '.join(missing)} are missing: {_REMEDIES['scope']}",
            required=check_scope_names(scopes),
            missing=missing,
        )


def _check_names(names: Sequence[object], form: str, usage: str) -> tuple[str, ...]:
    good = tuple(name for name in names if isinstance(name, str) and re.fullmatch(form, name))
    if not good or len(good) != len(names):
        raise ConfigurationError(f"Write {usage}: at least one name, each a string without spaces.")
    return good
