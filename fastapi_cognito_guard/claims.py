"""The stretch of the corridor that both doors share: claims become a principal, or a refusal.

A door vouches for where claims come from, and gives them the types that a token gives them. Everything
that decides whether they count here is in this file, once. Every value is type-checked before use.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, cast

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
    fit_for_a_log,
    is_writable,
    number,
    string,
    strings,
    wrong_type,
)

Semantics = Literal["strict", "rest", "http"]

BOOLEANS = frozenset({"email_verified", "phone_number_verified"})


class Claims(NamedTuple):
    """What a door vouches for: the claims of a verified token, or of one that a gateway verified."""

    values: dict[str, Any]
    source: Source


class Judge:
    """The checks of one guard, and the way from `Claims` to `Principal`."""

    def __init__(self, *, pools: Mapping[str, UserPool], semantics: Semantics, leeway: float) -> None:
        self.pools = pools
        self.semantics = semantics
        self.leeway = leeway

    def principal(self, claims: Claims, now: float) -> tuple[Principal, "Validity"]:
        """Who the claims speak of, and until when. Raises a leaf of `Unauthenticated`."""
        values, source = claims
        use = self.check_origin(values)
        validity = validity_of(values)
        validity.check(now, self.leeway)
        return to_principal(values, source, use, self.semantics), validity

    def check_origin(self, values: Mapping[str, Any]) -> TokenUse:
        """Issuer, token type (returned) and audience, by the column of this guard's semantics."""
        issuer = values.get("iss")
        pool = self.pools.get(issuer) if isinstance(issuer, str) else None
        if pool is None:
            raise foreign(values, self.pools)
        use = _token_use(values)
        if self.semantics == "strict" and use not in pool.token_use:
            raise TokenUseMismatch(_wrong_use(use, pool))
        if self.semantics == "http":
            _check_audience_as_http_api(values, pool)
        else:
            _check_client(values, use, pool)
        return use


def foreign(values: Mapping[str, Any], issuers: Iterable[str]) -> ClaimInvalid | IssuerMismatch:
    """The refusal of claims whose ``iss`` is none of the configured pools'."""
    issuer = values.get("iss")
    if not isinstance(issuer, str) or not issuer:
        return wrong_type("iss", "a non-empty string")
    return IssuerMismatch(
        f"the issuer is none of this guard's pools ({', '.join(issuers)}): "
        "sign in to the right pool, or add it to CognitoGuard(...)."
    )


class Validity(NamedTuple):
    """When a token counts, in seconds since the epoch."""

    starts: float
    expires: float

    def check(self, now: float, leeway: float) -> None:
        """Expiry is strictly after now, the start is not. Raises `TokenExpired`, `TokenNotYetValid`."""
        if now >= self.expires + leeway:
            raise TokenExpired(f"exp passed {now - self.expires:.0f} s ago: refresh the token.")
        if self.starts > now + leeway:
            raise TokenNotYetValid(
                "nbf or iat lies in the future: check this machine's clock, or set leeway."
            )


def validity_of(values: Mapping[str, Any]) -> Validity:
    """``exp``, and the later of ``nbf`` and ``iat``. Raises `ClaimInvalid` where one is no number."""
    starts = number(values, "iat") if "iat" in values else 0.0
    if "nbf" in values:
        starts = max(starts, number(values, "nbf"))
    if "auth_time" in values:
        number(values, "auth_time")
    return Validity(starts, number(values, "exp"))


def to_principal(values: dict[str, Any], source: Source, use: TokenUse, semantics: Semantics) -> Principal:
    """The caller that judged claims speak of. Raises `ClaimInvalid` for one of a wrong type."""
    if not BOOLEANS.isdisjoint(values):
        values = _with_booleans(values)
    if "jti" in values:
        string(values, "jti")
    username = "username" if use == "access" else "cognito:username"
    return Principal(
        sub=string(values, "sub"),
        username=string(values, username) if username in values else None,
        client_id=_client_id(values, use),
        token_use=use,
        scopes=_scopes(values, use, semantics),
        groups=_groups(values),
        issuer=values["iss"],
        expires_at=values["exp"],
        source=source,
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
    hint = f'this is an {use} token, {due} is due: send {due}_token, or add "{use}" to token_use.'
    return hint if use == "access" else f"{hint} Routes with scopes take access tokens only."


def _check_client(values: Mapping[str, Any], use: TokenUse, pool: UserPool) -> None:
    """RFC 9068 and Cognito's own rule: the client is ``client_id`` (access) or ``aud`` (ID)."""
    client = _client_id(values, use)
    if not pool.accepts_client(client):
        raise ClientMismatch(
            f"app client '{fit_for_a_log(client)}' is not in client_ids: add it there if it is one of yours."
        )
    if use == "id" or (pool.resource is None and "aud" not in values):
        return
    audience = _audience(values)  # an access token's is data, where no resource is configured
    if pool.resource is not None and pool.resource not in audience:
        raise ClientMismatch(f"aud does not name the resource {pool.resource}: ask for it at sign-in.")


def _check_audience_as_http_api(values: Mapping[str, Any], pool: UserPool) -> None:
    """An HTTP API reads ``client_id`` only when there is no ``aud``."""
    audience = _audience(values) if "aud" in values else (string(values, "client_id"),)
    if not any(pool.accepts_client(name) or name == pool.resource for name in audience):
        raise ClientMismatch("neither aud nor, without it, client_id is in client_ids (or is the resource).")


def _client_id(values: Mapping[str, Any], use: TokenUse) -> str:
    return string(values, "client_id" if use == "access" else "aud")


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
    if not is_writable(given):
        raise wrong_type(name, "a string")
    return frozenset(filter(None, given.split(" ")))


def _groups(values: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(strings("cognito:groups", values.get("cognito:groups", [])))


def _with_booleans(values: dict[str, Any]) -> dict[str, Any]:
    """Some identity providers make them text in the token itself, so both doors need this."""
    for name in BOOLEANS:
        if values.get(name) in ("true", "false"):
            values = {**values, name: values[name] == "true"}
    return values


def _token_use(values: Mapping[str, Any]) -> TokenUse:
    use = values.get("token_use")
    if use != "id" and use != "access":
        raise wrong_type("token_use", '"id" or "access"')
    return cast(TokenUse, use)
