"""Decisions of authorizers about a token's claims, each by its own rules. Signatures are not checked."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi_cognito_guard.claims import Claims, ClaimsValidator, Semantics
from fastapi_cognito_guard.errors import AuthError, ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.issuers import read_issuer
from fastapi_cognito_guard.pool import UserPool, index_by_issuer
from fastapi_cognito_guard.principal import Principal

_POOL_ID = "eu-west-1_Placeholder"
"""Id of the pool whose issuer is the token's own, whatever that is."""


class Row(NamedTuple):
    """Decision of one authorizer. ``reason``: why it refuses the token, or the condition for taking it."""

    authorizer: str
    takes: bool
    reason: str


class _Authorizer(NamedTuple):
    name: str
    semantics: Semantics
    scoped: bool = False
    condition: str = ""


_SCOPES = "if one of its scopes is the route's"
_AUDIENCE = "if {audience} is in its audience"
_GATEWAYS = (
    _Authorizer("REST API, Cognito, no scopes", "rest"),
    _Authorizer("REST API, Cognito, scopes", "rest", True, _SCOPES),
    _Authorizer("HTTP API, JWT, no scopes", "http", condition=_AUDIENCE),
    _Authorizer("HTTP API, JWT, scopes", "http", True, f"{_AUDIENCE}, and {_SCOPES}"),
)
_GUARD = _Authorizer("CognitoGuard, by default", "strict", condition="if {client} is in client_ids")


def check_with_guard(guard: CognitoGuard, claims: Mapping[str, Any], now: float) -> Row:
    """Check claims with the validator of a guard, as if the signature were good."""
    authorizer = _Authorizer("this environment's guard", guard.semantics)
    return _check(authorizer, guard.validator, claims, now)


def check_with_authorizers(claims: Mapping[str, Any], now: float) -> list[Row]:
    """Check claims as authorizers of the token's own pool and client do: the default guard's row is first."""
    pools = index_by_issuer([_find_pool(claims)])
    return [
        _check(each, ClaimsValidator(pools=pools, semantics=each.semantics, leeway=0), claims, now)
        for each in (_GUARD, *_GATEWAYS)
    ]


def _check(authorizer: _Authorizer, validator: ClaimsValidator, claims: Mapping[str, Any], now: float) -> Row:
    try:
        principal, _ = validator.validate(Claims(dict(claims)), "token", now)
    except AuthError as error:
        return Row(authorizer.name, False, error.reason)
    if authorizer in _GATEWAYS and (problem := _find_problem(authorizer, principal)):
        return Row(authorizer.name, False, problem)
    audience = principal.claim("aud") or principal.client_id
    condition = authorizer.condition.format(client=principal.client_id, audience=audience)
    return Row(authorizer.name, True, condition)


def _find_problem(authorizer: _Authorizer, principal: Principal) -> str | None:
    """Return the reason for which a gateway refuses this token at a route with or without scopes."""
    if authorizer.semantics == "rest" and principal.token_use != ("access" if authorizer.scoped else "id"):
        if authorizer.scoped:
            return "a route with scopes takes an access token there: send access_token."
        return "a route without scopes takes an ID token there: send id_token, or give the route scopes."
    if authorizer.scoped and not principal.scopes:
        return "it has no scopes: ask for some at sign-in, and send the access token."
    return None


def _find_pool(claims: Mapping[str, Any]) -> UserPool:
    """Build the pool that the token names as its issuer."""
    issuer, client = claims.get("iss"), claims.get("client_id") or claims.get("aud")
    resource = claims.get("aud") if claims.get("token_use") == "access" else None
    named = read_issuer(issuer)
    pool_id = _POOL_ID if named is None else named.pool_id
    try:
        # No key is fetched. With `jwks` the issuer is only compared, and may be that of any emulator.
        keys: dict[str, Any] = {"keys": []}
        return UserPool(pool_id, client_ids=client or "none", issuer=issuer, jwks=keys, resource=resource)
    except ConfigurationError:
        return UserPool(_POOL_ID, client_ids="none")
