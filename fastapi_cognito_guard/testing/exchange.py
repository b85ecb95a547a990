"""Token exchange at a fake pool (RFC 8693): its own tokens become tokens for another service.

It follows the RFC, and Cognito's description where there is one. Nothing of it was compared with live AWS.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from fastapi_cognito_guard.actor import parse_actor
from fastapi_cognito_guard.claims import Claims, ClaimsValidator
from fastapi_cognito_guard.errors import AuthError, ClaimInvalid
from fastapi_cognito_guard.pool import UserPool, index_by_issuer
from fastapi_cognito_guard.testing.signins import check_list
from fastapi_cognito_guard.tokens.jwks import parse_keys
from fastapi_cognito_guard.tokens.jwt import parse

_OF_THE_ISSUE = ("iss", "iat", "exp", "nbf", "jti")


class ExchangeRefused(Exception):
    """Refusal of an exchange. ``code`` is that of RFC 6749 section 5.2 or RFC 8693 section 2.2.2."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


def read_own_claims(
    name: str, token: str, pool: UserPool, jwks: Mapping[str, Any], now: Callable[[], float]
) -> dict[str, Any]:
    """Return the claims of a token that ``pool`` has issued and that is valid now. ``name`` is its role.

    Raises `ExchangeRefused`.
    """
    try:
        jwt = parse(token)
        key = parse_keys(jwks).get(jwt.kid)
        if key is None or not key.verify(jwt.signing_input, jwt.signature):
            raise ClaimInvalid("the token is not signed with one of the pool's keys")
        validator = ClaimsValidator(pools=index_by_issuer([pool]), semantics="strict", leeway=0)
        validator.validate(cast(Claims, jwt.payload), "token", now())
    except AuthError as error:
        raise ExchangeRefused("invalid_request", f"{name} is not valid: {error.reason}") from None
    return jwt.payload


def build_exchanged_claims(
    subject: Mapping[str, Any],
    actor: Mapping[str, Any] | None,
    *,
    client_id: str,
    scopes: Collection[str],
    target: str | None,
) -> dict[str, Any]:
    """Build the claims of an exchanged access token, without ``iss``, ``iat``, ``exp`` and ``jti``.

    What the subject token says about the user and the sign-in stays. Raises `ExchangeRefused`.
    """
    if subject["token_use"] != "access" or "username" not in subject:
        raise ExchangeRefused("invalid_request", "subject_token is no access token of a user")
    asked = frozenset(check_list("scopes", scopes))
    granted = [scope for scope in subject.get("scope", "").split() if scope in asked]
    if not granted:
        raise ExchangeRefused("invalid_scope", "the subject token has none of the scopes")
    return {
        **{name: value for name, value in subject.items() if name not in _OF_THE_ISSUE},
        "client_id": client_id,
        "aud": target or subject.get("aud"),
        "scope": " ".join(granted),
        "act": _build_act(subject.get("act"), actor),
    }


def _build_act(prior: object, actor: Mapping[str, Any] | None) -> object:
    """Build ``act`` (RFC 8693 section 4.1): the actor, and inside it the one before."""
    if actor is None:
        return prior  # nobody new acts by name, and who acted before is not forgotten
    if "act" in actor:
        raise ExchangeRefused("invalid_request", "actor_token is itself a delegated one")
    act = {"sub": actor["sub"], **({} if prior is None else {"act": prior})}
    try:
        parse_actor(act)
    except ClaimInvalid:
        raise ExchangeRefused("invalid_request", "the chain of actors is too long") from None
    return act
