"""Which authorizers would take a token, and why not: judged by their rules, without its signature."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi_cognito_guard.claims import Claims, ClaimsValidator, Semantics
from fastapi_cognito_guard.errors import AuthError, ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.pool import UserPool, index_by_issuer
from fastapi_cognito_guard.principal import Principal

_COGNITO = r"https://(?:issuer-)?cognito-idp\.[a-z0-9-]+\.amazonaws\.(?:com(?:\.cn)?|eu)/([\w-]+)"


class Verdict(NamedTuple):
    """What one authorizer says. ``why`` is empty for a yes without an if."""

    who: str
    takes: bool
    why: str


class _Authorizer(NamedTuple):
    who: str
    semantics: Semantics
    scoped: bool
    condition: str = ""


_SCOPES = "if one of its scopes is the route's"
_AUDIENCE = "if {audience} is in its audience"
_GATEWAYS = (
    _Authorizer("REST API, Cognito, no scopes", "rest", False),
    _Authorizer("REST API, Cognito, scopes", "rest", True, _SCOPES),
    _Authorizer("HTTP API, JWT, no scopes", "http", False, _AUDIENCE),
    _Authorizer("HTTP API, JWT, scopes", "http", True, f"{_AUDIENCE}, and {_SCOPES}"),
)
_OURS = _Authorizer("CognitoGuard, by default", "strict", False, "if {client} is in client_ids")


def verdict_of(guard: CognitoGuard, claims: Mapping[str, Any], now: float) -> Verdict:
    """What a guard would say of the claims, if the signature is good."""
    return _verdict(
        _Authorizer("this environment's guard", guard.semantics, False), guard.validator, claims, now
    )


def verdicts(claims: Mapping[str, Any], now: float) -> list[Verdict]:
    """What authorizers that are set up for the token's own pool and client would say, if it is genuine."""
    pools = index_by_issuer([_pool(claims)])
    return [
        _verdict(each, ClaimsValidator(pools=pools, semantics=each.semantics, leeway=0), claims, now)
        for each in (_OURS, *_GATEWAYS)
    ]


def _verdict(who: _Authorizer, judge: ClaimsValidator, claims: Mapping[str, Any], now: float) -> Verdict:
    try:
        principal, _ = judge.validate(Claims(dict(claims)), "token", now)
    except AuthError as error:
        return Verdict(who.who, False, error.reason)
    if who in _GATEWAYS and (objection := _objection(who, principal)):
        return Verdict(who.who, False, objection)
    audience = principal.claim("aud") or principal.client_id
    return Verdict(who.who, True, who.condition.format(client=principal.client_id, audience=audience))


def _objection(who: _Authorizer, principal: Principal) -> str | None:
    """What scopes on a route, or none, ask of a token there."""
    if who.semantics == "rest" and principal.token_use != ("access" if who.scoped else "id"):
        if who.scoped:
            return "a route with scopes takes an access token there: send access_token."
        return "a route without scopes takes an ID token there: send id_token, or give the route scopes."
    if who.scoped and not principal.scopes:
        return "it has no scopes: ask for some at sign-in, and send the access token."
    return None


def _pool(claims: Mapping[str, Any]) -> UserPool:
    """The pool that the token says it is of."""
    issuer, client = claims.get("iss"), claims.get("client_id") or claims.get("aud")
    known = re.fullmatch(_COGNITO, issuer) if isinstance(issuer, str) else None
    pool_id = known[1] if known else "eu-west-1_Elsewhere"
    resource = claims.get("aud") if claims.get("token_use") == "access" else None
    try:
        return UserPool(pool_id, client_ids=client or "nobody", issuer=issuer, resource=resource)
    except ConfigurationError:
        return UserPool("eu-west-1_Elsewhere", client_ids="nobody")
