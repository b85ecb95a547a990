"""The stretch of the corridor that both doors share: claims become a principal, or a refusal.

A door vouches for where claims come from, gives them the types that a token gives them, and lets no text
through that cannot be written (half a surrogate pair). Everything that decides whether they count here is in
this file, once. Every value is type-checked before use.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, NewType, cast

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
from fastapi_cognito_guard.untrusted import (
    check_numbers,
    fit_for_a_log,
    number,
    string,
    strings,
    wrong_type,
)

Semantics = Literal["strict", "rest", "http"]

BOOLEANS = frozenset({"email_verified", "phone_number_verified"})


Claims = NewType("Claims", dict[str, Any])
"""What a door vouches for: the claims of a verified token, or of one that a gateway verified."""


class Vouched(NamedTuple):
    """Claims, and which door vouches for them."""

    values: Claims
    source: Source


class Judge:
    """The checks of one guard, and the way from `Claims` to `Principal`."""

    def __init__(self, *, pools: Mapping[str, UserPool], semantics: Semantics, leeway: float) -> None:
        self.pools = dict(pools)
        self.semantics = semantics
        self.leeway = leeway

    def principal(self, claims: Claims, source: Source, now: float) -> tuple[Principal, float]:
        """Who the claims speak of, and the second from which on. Raises a leaf of `Unauthenticated`."""
        use, client = self.check_origin(claims)
        starts, expires = times_of(claims)
        self.check_time(starts, expires, now)
        return to_principal(claims, source, use, client, self.semantics), starts

    def check_origin(self, values: Mapping[str, Any]) -> tuple[TokenUse, str]:
        """Issuer, token type and client, by the column of this guard's semantics. Returns the latter two."""
        issuer, use = values.get("iss"), values.get("token_use")
        pool = self.pools.get(issuer) if isinstance(issuer, str) else None
        if pool is None:
            raise foreign(values, self.pools)
        if use != "access" and use != "id":
            raise wrong_type("token_use", '"id" or "access"')
        if self.semantics == "strict" and use not in pool.token_use:
            raise TokenUseMismatch(_wrong_use(use, pool))
        client = client_of(values, use)
        if self.semantics == "http":
            _check_audience_as_http_api(values, pool)
            return cast(TokenUse, use), client
        if not pool.accepts_client(client):
            raise ClientMismatch(_wrong_client(client))
        if use == "access" and (pool.resource is not None or "aud" in values):
            _check_resource(values, pool)
        return use, client

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


def times_of(values: Mapping[str, Any]) -> tuple[float, float]:
    """From when, and until when, in seconds: the later of ``nbf`` and ``iat`` (0 without them), and ``exp``.

    Raises `ClaimInvalid` where one of the times is no number, or ``exp`` is missing.
    """
    check_numbers(values, ("iat", "nbf", "auth_time"))
    starts = values.get("iat", 0)
    return max(starts, values["nbf"]) if "nbf" in values else starts, number(values, "exp")


def to_principal(
    values: dict[str, Any], source: Source, use: TokenUse, client: str, semantics: Semantics
) -> Principal:
    """The caller that judged claims speak of. Raises `ClaimInvalid` for one of a wrong type."""
    if "email_verified" in values or "phone_number_verified" in values:
        values = _with_booleans(values)
    if "jti" in values:
        string(values, "jti")
    username = "username" if use == "access" else "cognito:username"
    return Principal(
        string(values, "sub"),
        client,
        values["iss"],
        values["exp"],
        values,
        string(values, username) if username in values else None,
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


def client_of(values: Mapping[str, Any], use: str) -> str:
    """RFC 9068 and Cognito's own rule: ``client_id`` (access) or ``aud`` (ID). Raises `ClaimInvalid`."""
    return string(values, "client_id" if use == "access" else "aud")


def _wrong_client(client: str) -> str:
    return f"app client '{fit_for_a_log(client)}' is not in client_ids: add it there if it is one of yours."


def _check_resource(values: Mapping[str, Any], pool: UserPool) -> None:
    """An access token's ``aud`` is data, where no resource is configured."""
    audience = _audience(values)
    if pool.resource is not None and pool.resource not in audience:
        raise ClientMismatch(f"aud does not name the resource {pool.resource}: ask for it at sign-in.")


def _check_audience_as_http_api(values: Mapping[str, Any], pool: UserPool) -> None:
    """An HTTP API reads ``client_id`` only when there is no ``aud``."""
    audience = _audience(values) if "aud" in values else (string(values, "client_id"),)
    if not any(pool.accepts_client(name) or name == pool.resource for name in audience):
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


def _with_booleans(values: dict[str, Any]) -> dict[str, Any]:
    """Some identity providers make them text in the token itself, so both doors need this."""
    for name in BOOLEANS:
        if values.get(name) in ("true", "false"):
            values = {**values, name: values[name] == "true"}
    return values
