"""The stretch of the corridor that both doors share: claims become a principal, or a refusal.

A door vouches for where claims come from, gives them the types that a token gives them, and lets no text
through that cannot be written (half a surrogate pair). Everything that decides whether they count here is in
this file, once. Every value is type-checked before use.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, NewType

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
from fastapi_cognito_guard.validation import escape_for_log, strings, wrong_type

Semantics = Literal["strict", "rest", "http"]

BOOLEANS = frozenset({"email_verified", "phone_number_verified"})


Claims = NewType("Claims", dict[str, Any])
"""What a door vouches for: the claims of a verified token, or of one that a gateway verified."""


class GatewayClaims(NamedTuple):
    """Claims, and which door vouches for them."""

    values: Claims
    source: Source


class ClaimsValidator:
    """The checks of one guard, and the way from `Claims` to `Principal`."""

    def __init__(self, *, pools: Mapping[str, UserPool], semantics: Semantics, leeway: float) -> None:
        self.pools = dict(pools)
        self.semantics = semantics
        self.leeway = leeway

    def principal(self, claims: Claims, source: Source, now: float) -> tuple[Principal, float]:
        """Who the claims speak of, and the second from which on. Raises a leaf of `Unauthenticated`."""
        pool, use = self._origin(claims)
        check_types(claims, use)
        if self.semantics == "http":
            _check_audience_as_http_api(claims, pool)
        else:
            _check_client(claims, use, pool)
        starts = max(claims.get("iat", 0), claims.get("nbf", 0))
        self.check_time(starts, claims["exp"], now)
        return build_principal(claims, source, use, self.semantics), starts

    def _origin(self, claims: Claims) -> tuple[UserPool, TokenUse]:
        """The pool that issued the token, and as what: one that this guard takes."""
        issuer, use = claims.get("iss"), claims.get("token_use")
        pool = self.pools.get(issuer) if isinstance(issuer, str) else None
        if pool is None:
            raise foreign(claims, self.pools)
        if use != "access" and use != "id":
            raise wrong_type("token_use", '"id" or "access"')
        if self.semantics == "strict" and use not in pool.token_use:
            raise TokenUseMismatch(_wrong_use(use, pool))
        return pool, "access" if use == "access" else "id"

    def check_time(self, starts: float, expires: float, now: float) -> None:
        """Expiry is strictly after now, the start is not. Raises `TokenExpired`, `TokenNotYetValid`."""
        if now >= expires + self.leeway:
            raise TokenExpired(f"exp passed {now - expires:.0f} s ago: refresh the token.")
        if starts > now + self.leeway:
            raise TokenNotYetValid(
                "nbf or iat lies in the future: check this machine's clock, or set leeway."
            )


def foreign(values: Mapping[str, Any], issuers: Iterable[str]) -> ClaimInvalid | IssuerMismatch:
    """The refusal of claims whose ``iss`` is none of the configured pools'."""
    issuer = values.get("iss")
    if not isinstance(issuer, str) or not issuer:
        return wrong_type("iss", "a non-empty string")
    return IssuerMismatch(
        f"the issuer is none of this guard's pools ({', '.join(issuers)}): "
        "sign in to the right pool, or add it to CognitoGuard(...)."
    )


def check_types(values: Mapping[str, Any], use: TokenUse) -> None:
    """That the claims which every principal is made of are there, and are what they are due to be.

    Raises `ClaimInvalid`.
    """
    value: Any
    for name in _TEXTS[use]:
        value = values.get(name)
        if not (isinstance(value, str) and value) and (name in values or name in _REQUIRED):
            raise wrong_type(name, "a non-empty string")
    for name in _TIMES:
        value = values.get(name)
        # A bool is neither; NaN, infinity, and what arithmetic could not bear are not within the bounds.
        if (type(value) not in _NUMBERS or not _FIRST < value < _LAST) and (
            name in values or name in _REQUIRED
        ):
            raise wrong_type(name, "a number of seconds")


# RFC 9068 and Cognito's own rule: the client is ``client_id`` (access) or ``aud`` (ID).
_CLIENT: Mapping[TokenUse, str] = {"access": "client_id", "id": "aud"}
_USERNAME: Mapping[TokenUse, str] = {"access": "username", "id": "cognito:username"}
_TEXTS: Mapping[TokenUse, tuple[str, ...]] = {
    use: ("sub", client, _USERNAME[use], "jti") for use, client in _CLIENT.items()
}
_REQUIRED = frozenset({"sub", "exp", *_CLIENT.values()})
_TIMES = ("exp", "iat", "nbf", "auth_time")
_NUMBERS = (int, float)
_FIRST, _LAST = -(2**53), 2**53  # seconds


def build_principal(values: dict[str, Any], source: Source, use: TokenUse, semantics: Semantics) -> Principal:
    """The caller that judged claims speak of. Raises `ClaimInvalid` for groups or scopes of a wrong type."""
    for name in BOOLEANS:
        # Some identity providers make them text in the token itself, so both doors need this.
        if values.get(name) in ("true", "false"):
            values = {**values, name: values[name] == "true"}
    return Principal(
        values["sub"],
        values[_CLIENT[use]],
        values["iss"],
        values["exp"],
        values,
        values.get(_USERNAME[use]),
        use,
        _scopes(values, use, semantics),
        frozenset(strings("cognito:groups", values.get("cognito:groups", []))),
        source,
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
    hint = f'this is an {use} token, {due} is due: send {due}_token, or add "{use}" to token_use.'
    return hint if use == "access" else f"{hint} Routes with scopes take access tokens only."


def _check_client(values: Mapping[str, Any], use: TokenUse, pool: UserPool) -> None:
    client: str = values[_CLIENT[use]]
    if client not in pool.client_ids:
        raise ClientMismatch(
            f"app client '{escape_for_log(client)}' is not in client_ids: add it there if it is one of yours."
        )
    if use == "id" or (pool.resource is None and "aud" not in values):
        return
    audience = _audience(values)  # an access token's is data, where no resource is configured
    if pool.resource is not None and pool.resource not in audience:
        raise ClientMismatch(f"aud does not name the resource {pool.resource}: ask for it at sign-in.")


def _check_audience_as_http_api(values: Mapping[str, Any], pool: UserPool) -> None:
    """An HTTP API reads ``client_id`` only when there is no ``aud``."""
    audience = _audience(values) if "aud" in values else (values["client_id"],)
    if not any(name in pool.client_ids or name == pool.resource for name in audience):
        raise ClientMismatch("neither aud nor, without it, client_id is in client_ids (or is the resource).")


def _audience(values: Mapping[str, Any]) -> tuple[str, ...]:
    aud = values.get("aud", [])
    return (aud,) if isinstance(aud, str) else tuple(strings("aud", aud))


def _scopes(values: Mapping[str, Any], use: TokenUse, semantics: Semantics) -> frozenset[str]:
    """Only access tokens carry scopes; an HTTP API does not look, and takes ``scp`` for ``scope``."""
    if semantics == "http":
        name = "scope" if "scope" in values else "scp"
    elif use == "access":
        name = "scope"
    else:
        return frozenset()
    given = values.get(name, "")
    if not isinstance(given, str):
        if name == "scope":
            raise wrong_type("scope", "a string")
        return frozenset(strings(name, given))
    scopes = frozenset(given.split(" "))
    return scopes if "" not in scopes else scopes - {""}
