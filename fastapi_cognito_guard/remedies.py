"""Remedies for requirements that are not met, as far as they are true for the caller's token."""

from collections.abc import Callable, Mapping
from typing import Literal

from fastapi_cognito_guard.principal import USER_ADMIN, Principal
from fastapi_cognito_guard.validation import escape_for_log

RequirementKind = Literal["scope", "group", "claim", "level", "actor", "direct", "pool", "check", "any"]

# OpenID Connect Core section 5.1: Cognito's standard attributes.
_ATTRIBUTES = frozenset(
    "name family_name given_name middle_name nickname preferred_username profile picture website email "
    "email_verified gender birthdate zoneinfo locale phone_number phone_number_verified address "
    "updated_at".split()
)


def explain_remedy(kind: RequirementKind, claim: str | None, principal: Principal) -> str:
    """Return what would help this caller, as a sentence. ``claim``: the name of a required claim."""
    return _REMEDIES[kind](claim or "", principal)


def _explain_scope(claim: str, principal: Principal) -> str:
    if principal.token_use == "id":
        return 'an ID token has no scopes: send the access token ("access" must be in token_use).'
    if principal.is_machine:
        return "let the machine's app client have the scope, and request it with the token."
    if principal.scopes == {USER_ADMIN}:
        return (
            "this token is of a sign-in through an SDK (InitiateAuth), which gets no other scopes: sign in "
            "through managed login (/oauth2/authorize), or add the scope in a pre-token-generation trigger."
        )
    return (
        "let the app client have the scope, and ask for it at sign-in; if that is done, a "
        "pre-token-generation trigger may suppress it for this user (the local pool: suppressed_scopes)."
    )


def _explain_group(claim: str, principal: Principal) -> str:
    if principal.is_machine:
        return "a machine has no groups: give its app client a scope, and require that."
    return "add the user to the group, and sign in again."


def _explain_claim(claim: str, principal: Principal) -> str:
    if principal.is_machine:
        return (
            "a machine has no user whose claim it could be: give its app client a scope, and require that; "
            "or add the claim in a pre-token-generation trigger (of version 3)."
        )
    if claim in ("amr", "acr"):
        return "no trigger can set it: sign in with the factor, and see require_level."
    if principal.token_use == "access" and (claim in _ATTRIBUTES or claim.startswith("custom:")):
        return (
            "attributes are in ID tokens only: send the ID token, or add the claim to access tokens in a "
            "pre-token-generation trigger."
        )
    return "set the claim (attribute, or pre-token-generation trigger), and sign in again."


def _explain_level(claim: str, principal: Principal) -> str:
    if principal.is_machine:
        return "a machine has no level: give its app client a scope, and require that."
    return "sign in again, with the level in acr_values; the pool needs the Essentials or Plus plan."


def _explain_actor(claim: str, principal: Principal) -> str:
    if principal.is_machine:
        return "a machine acts for itself: let it exchange a user's token, with its own as the actor token."
    return "let one of these exchange the user's token, with its own token as the actor token."


def _explain_direct(claim: str, principal: Principal) -> str:
    return "the token was exchanged, and names an actor: send the user's own token."


def _explain_pool(claim: str, principal: Principal) -> str:
    pool = f"the caller is of the pool '{escape_for_log(principal.pool_id)}'"
    if principal.is_machine:
        return f"{pool}: give the machine an app client of a pool that is named."
    return f"{pool}: sign in to a pool that is named."


def _explain_check(claim: str, principal: Principal) -> str:
    return "the app's own check returned False."


_REMEDIES: Mapping[RequirementKind, Callable[[str, Principal], str]] = {
    "scope": _explain_scope,
    "group": _explain_group,
    "claim": _explain_claim,
    "level": _explain_level,
    "actor": _explain_actor,
    "direct": _explain_direct,
    "pool": _explain_pool,
    "check": _explain_check,
}
