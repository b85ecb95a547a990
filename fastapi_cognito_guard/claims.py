"""The stretch of the corridor that both doors share: claims become a principal, or a refusal.

A door vouches for where claims come from, and gives them the types that a token gives them. Everything
that decides whether they count here is in this file, once. Every value is type-checked before use.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, cast

from fastapi_cognito_guard.errors import (
    ClaimInvalid,
    ClientMismatch,
    IssuerMismatch,
    TokenExpired,
    TokenNotYetValid,
    TokenUseMismatch,
)
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.principal import Principal, Source, TokenUse

Semantics = Literal["strict", "rest", "http"]

BOOLEANS = frozenset({"email_verified", "phone_number_verified"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a door vouches for: the claims of a verified token, or of one that a gateway verified."""

    values: dict[str, Any]
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The checks of one guard, and the way from `Claims` to `Principal`."""

    pools: Mapping[str, UserPool]
    semantics: Semantics
    leeway: float

    def principal(self, claims: Claims, now: float) -> Principal:
        """Who the claims speak of. Raises a leaf of `Unauthenticated` where they do not count here."""
        self.check_origin(claims)
        check_time(claims, now, self.leeway)
        return to_principal(claims, self.semantics)

    def check_origin(self, claims: Claims) -> None:
        """Issuer, token type and audience, by the column of this guard's semantics."""
        values = claims.values
        pool = pool_of(values, self.pools)
        use = _token_use(values)
        if self.semantics == "strict" and use not in pool.token_use:
            raise TokenUseMismatch(_wrong_use(use, pool))
        if self.semantics == "http":
            _check_audience_as_http_api(values, pool)
        else:
            _check_client(values, use, pool)


def pool_of(values: Mapping[str, Any], pools: Mapping[str, UserPool]) -> UserPool:
    """The configured pool that ``iss`` names. Raises `ClaimInvalid`, `IssuerMismatch`."""
    pool = pools.get(_string(values, "iss"))
    if pool is None:
        raise IssuerMismatch(
            f"the issuer is none of this guard's pools ({', '.join(pools)}): "
            "sign in to the right pool, or add it to CognitoGuard(...)."
        )
    return pool


def check_time(claims: Claims, now: float, leeway: float) -> None:
    """``exp`` is after now, ``nbf`` and ``iat`` are not. Raises `TokenExpired`, `TokenNotYetValid`."""
    values = claims.values
    exp = _number(values, "exp")
    if now >= exp + leeway:
        raise TokenExpired(f"exp passed {now - exp:.0f} s ago: refresh the token.")
    for name in ("nbf", "iat"):
        if name in values and _number(values, name) > now + leeway:
            raise TokenNotYetValid(f"{name} lies in the future: check this machine's clock, or set leeway.")
    if "auth_time" in values:
        _number(values, "auth_time")


def to_principal(claims: Claims, semantics: Semantics) -> Principal:
    """The caller that judged claims speak of. Raises `ClaimInvalid` for one of a wrong type."""
    values = _with_booleans(claims.values)
    use = _token_use(values)
    if "jti" in values:
        _string(values, "jti")
    return Principal(
        sub=_string(values, "sub"),
        username=_optional_string(values, "username" if use == "access" else "cognito:username"),
        client_id=_client_id(values, use),
        token_use=use,
        scopes=_scopes(values, use, semantics),
        groups=_groups(values),
        issuer=values["iss"],
        expires_at=values["exp"],
        source=claims.source,
        claims=values,
    )


def check_token_use_as_rest(principal: Principal, *, scoped: bool) -> None:
    """A REST API's rule: scopes on the route ask for an access token, none for an ID token."""
    due = "access" if scoped else "id"
    if principal.token_use != due:
        raise TokenUseMismatch(
            f'this is an {principal.token_use} token; with semantics="rest" a route '
            f"{'with' if scoped else 'without'} scopes takes an {due} token."
        )


def _wrong_use(use: TokenUse, pool: UserPool) -> str:
    due = " or ".join(sorted(pool.token_use))
    return f'this is an {use} token, {due} is due: send {due}_token, or add "{use}" to token_use.'


def _check_client(values: Mapping[str, Any], use: TokenUse, pool: UserPool) -> None:
    """RFC 9068 and Cognito's own rule: the client is ``client_id`` (access) or ``aud`` (ID)."""
    client = _client_id(values, use)
    if not pool.accepts_client(client):
        raise ClientMismatch(
            f"app client {client[:128]!a} is not in client_ids: add it there if it is one of yours."
        )
    if use == "access" and pool.resource is not None and pool.resource not in _audience(values):
        raise ClientMismatch(f"aud does not name the resource {pool.resource}: ask for it at sign-in.")


def _check_audience_as_http_api(values: Mapping[str, Any], pool: UserPool) -> None:
    """An HTTP API reads ``client_id`` only when there is no ``aud``."""
    audience = _audience(values) if "aud" in values else (_string(values, "client_id"),)
    if not any(pool.accepts_client(name) or name == pool.resource for name in audience):
        raise ClientMismatch("neither aud nor, without it, client_id is in client_ids (or is the resource).")


def _client_id(values: Mapping[str, Any], use: TokenUse) -> str:
    return _string(values, "client_id" if use == "access" else "aud")


def _audience(values: Mapping[str, Any]) -> tuple[str, ...]:
    aud = values.get("aud", ())
    return (aud,) if isinstance(aud, str) else _strings("aud", aud)


def _scopes(values: Mapping[str, Any], use: TokenUse, semantics: Semantics) -> frozenset[str]:
    """Only access tokens carry scopes; an HTTP API does not look, and takes ``scp`` for ``scope``."""
    if semantics == "http":
        name = "scope" if "scope" in values else "scp"
    elif use == "access":
        name = "scope"
    else:
        return frozenset()
    given = values.get(name, "")
    scopes = given.split(" ") if isinstance(given, str) else _strings(name, given)
    if name == "scope" and not isinstance(given, str):
        raise _wrong_type("scope", "a string")
    return frozenset(filter(None, scopes))


def _groups(values: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(_strings("cognito:groups", values.get("cognito:groups", ())))


def _with_booleans(values: dict[str, Any]) -> dict[str, Any]:
    """Some identity providers make them text in the token itself, so both doors need this."""
    texts = {"true": True, "false": False}
    fixed = {name: texts[values[name]] for name in BOOLEANS if values.get(name) in ("true", "false")}
    return {**values, **fixed} if fixed else values


def _token_use(values: Mapping[str, Any]) -> TokenUse:
    use = values.get("token_use")
    if use != "id" and use != "access":
        raise _wrong_type("token_use", '"id" or "access"')
    return cast(TokenUse, use)


def _string(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise _wrong_type(name, "a non-empty string")
    return value


def _optional_string(values: Mapping[str, Any], name: str) -> str | None:
    return _string(values, name) if name in values else None


def _number(values: Mapping[str, Any], name: str) -> float:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise _wrong_type(name, "a number of seconds")
    return value


def _strings(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise _wrong_type(name, "a list of strings")
    return tuple(value)


def _wrong_type(name: str, due: str) -> ClaimInvalid:
    return ClaimInvalid(f"the claim {name} is missing or not {due}: is this a token of Cognito?")
