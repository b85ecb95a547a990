"""Validation of claims: the stretch of the way that both doors share, from `Claims` to `Principal`.

A door vouches for the origin of claims, gives them the types that a token gives them, and refuses text that
cannot be encoded. Every other rule for claims is in this file, once.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, NewType, cast

from fastapi_cognito_guard.actor import parse_actor
from fastapi_cognito_guard.claim_types import ClaimTypes, check_declared
from fastapi_cognito_guard.errors import (
    ClaimInvalid,
    ClientMismatch,
    ConfigurationError,
    IssuerMismatch,
    TokenExpired,
    TokenNotYetValid,
    TokenUseMismatch,
)
from fastapi_cognito_guard.pool import ANY_BOUND_CLIENT, UserPool
from fastapi_cognito_guard.principal import Principal, Source, TokenUse
from fastapi_cognito_guard.validation import escape_for_log

Semantics = Literal["strict", "rest", "http"]

Claims = NewType("Claims", dict[str, Any])
"""Claims of a token whose signature this package, or a gateway, has verified."""

# Seconds by which ``iat`` may lie in the future, also without leeway: Cognito's clock runs up to a second
# ahead of well-kept ones, so that a token fresh from sign-in would be refused at random.
IAT_AHEAD = 10

BOOLEANS = ("email_verified", "phone_number_verified")

# RFC 9068 and Cognito's own rule: the client is ``client_id`` (access) or ``aud`` (ID).
_CLIENT: Mapping[TokenUse, str] = {"access": "client_id", "id": "aud"}
_USERNAME: Mapping[TokenUse, str] = {"access": "username", "id": "cognito:username"}
_TEXTS: Mapping[TokenUse, tuple[str, ...]] = {
    use: ("sub", client, _USERNAME[use], "jti") for use, client in _CLIENT.items()
}
_REQUIRED = frozenset({"sub", "exp", *_CLIENT.values()})
_TIMES = ("exp", "iat", "nbf", "auth_time")
_NUMBERS = (int, float)
_EMULATOR = r"http://|https://(?:localhost|127\.0\.0\.1|\[::1\])[:/]"
_TEST_POOL = "/eu-west-1_FakePool1"  # the default of FakeUserPool
_FIRST, _LAST = -(2**53), 2**53  # seconds


class GatewayClaims(NamedTuple):
    """Claims that a gateway vouches for, and its kind."""

    values: Claims
    source: Source


class ClaimsValidator:
    """The rules of one guard for claims."""

    def __init__(
        self,
        *,
        pools: Mapping[str, UserPool],
        semantics: Semantics,
        leeway: float,
        claim_types: ClaimTypes = MappingProxyType({}),
    ) -> None:
        """``pools`` by issuer; ``leeway`` in seconds; ``claim_types`` of the app's own claims."""
        self.pools = dict(pools)
        self.semantics = semantics
        self.leeway = leeway
        self.claim_types = claim_types

    def with_pools(self, pools: Mapping[str, UserPool]) -> "ClaimsValidator":
        """Return a validator with the same rules for other pools."""
        return ClaimsValidator(
            pools=pools, semantics=self.semantics, leeway=self.leeway, claim_types=self.claim_types
        )

    def validate(
        self, claims: Claims, source: Source, now: float, pool: UserPool | None = None
    ) -> tuple[Principal, float]:
        """Return the principal and the time from which the token is valid.

        ``pool`` is the one of the claims' issuer, if it is none of this validator's. Raises a leaf of
        `Unauthenticated`.
        """
        pool, use = self._check_origin(claims, pool)
        check_types(claims, use)
        if self.semantics == "http":
            _check_audience_as_http_api(claims, pool)
        else:
            _check_client(claims, use, pool)
        valid_from = claims.get("nbf", 0)
        if source == "token":  # a gateway has checked ``iat`` by its own clock
            valid_from = max(valid_from, claims.get("iat", 0) - max(0, IAT_AHEAD - self.leeway))
        self.check_time(valid_from, claims["exp"], now)
        return build_principal(claims, source, use, self.semantics, self.claim_types, pool=pool), valid_from

    def check_time(self, valid_from: float, expires_at: float, now: float) -> None:
        """Check that now is before the expiry, and not before the start.

        Raises `TokenExpired` or `TokenNotYetValid`.
        """
        if now >= expires_at + self.leeway:
            raise TokenExpired(f"exp passed {now - expires_at:.0f} s ago: refresh the token.")
        if valid_from > now + self.leeway:
            raise TokenNotYetValid(
                "nbf or iat lies in the future: check this machine's clock, or set leeway."
            )

    def _check_origin(self, claims: Claims, pool: UserPool | None) -> tuple[UserPool, TokenUse]:
        """Return the pool that issued the token, and the token's use."""
        issuer, use = claims.get("iss"), claims.get("token_use")
        if pool is None:
            pool = self.pools.get(issuer) if isinstance(issuer, str) else None
        if pool is None:
            raise unlisted_issuer_error(claims, self.pools)
        if use != "access" and use != "id":
            raise type_error("token_use", '"id" or "access"')
        if self.semantics == "strict" and use not in pool.token_use:
            raise TokenUseMismatch(_explain_token_use(use, pool))
        return pool, "access" if use == "access" else "id"


def check_binds(semantics: Semantics, setting: str) -> None:
    """Raise `ConfigurationError` unless the dialect is one that always requires the resource in ``aud``."""
    if semantics != "strict":
        raise ConfigurationError(
            f'semantics="{semantics}" does not bind every token to its resource: leave semantics at "strict" '
            "for ANY_BOUND_CLIENT and for guard.for_resource(...).",
            setting=setting,
        )


def check_clients_bound(pool: UserPool, semantics: Semantics) -> None:
    """Raise `ConfigurationError` for `ANY_BOUND_CLIENT` in a dialect that does not bind tokens."""
    if pool.client_ids is ANY_BOUND_CLIENT:
        check_binds(semantics, "client_ids")


def check_types(values: Mapping[str, Any], use: TokenUse) -> None:
    """Check that the claims every principal needs are present and well typed. Raises `ClaimInvalid`."""
    value: Any
    for name in _TEXTS[use]:
        value = values.get(name)
        if not (isinstance(value, str) and value) and (name in values or name in _REQUIRED):
            raise type_error(name, "a non-empty string")
    for name in _TIMES:
        value = values.get(name)
        # `type` refuses booleans. The bounds refuse NaN, infinity, and numbers too large to calculate with.
        if (type(value) not in _NUMBERS or not _FIRST < value < _LAST) and (
            name in values or name in _REQUIRED
        ):
            raise type_error(name, "a number of seconds")


def build_principal(
    values: dict[str, Any],
    source: Source,
    use: TokenUse,
    semantics: Semantics,
    claim_types: ClaimTypes = MappingProxyType({}),
    *,
    pool: UserPool,
) -> Principal:
    """Build the principal of valid claims.

    Raises `ClaimInvalid` for groups, scopes, declared claims or an actor of a wrong type.
    """
    if claim_types:
        check_declared(values, claim_types)
    for name in BOOLEANS:
        if values.get(name) is not None and type(values[name]) is not bool:
            values = {**values, name: read_boolean(name, values[name])}
    return Principal(
        values["sub"],
        values[_CLIENT[use]],
        values["iss"],
        values["exp"],
        values,
        values.get(_USERNAME[use]),
        use,
        _read_scopes(values, use, semantics),
        frozenset(_check_strings("cognito:groups", values.get("cognito:groups", []))),
        source,
        claim_types,
        parse_actor(values["act"]) if "act" in values else None,
        cast(tuple[str, ...], pool.levels),
        pool.id,
    )


def check_token_use_as_rest(principal: Principal, *, scoped: bool | None) -> None:
    """Check the rule of REST APIs: a route with scopes takes an access token, any other an ID token.

    ``scoped`` is None for a route where scopes are one of several alternatives: it takes both.
    """
    required = "access" if scoped else "id"
    if scoped is not None and principal.token_use != required:
        raise TokenUseMismatch(
            f'this is an {principal.token_use} token; with semantics="rest" a route '
            f"{'with' if scoped else 'without'} scopes takes an {required} token."
        )


def issuer_error(values: Mapping[str, Any], fault: str) -> ClaimInvalid | IssuerMismatch:
    """Return the error for claims of no pool of the guard; ``fault`` says what is wrong with ``iss``."""
    issuer = values.get("iss")
    if not isinstance(issuer, str) or not issuer:
        return type_error("iss", "a non-empty string")
    return IssuerMismatch(f"the issuer '{escape_for_log(issuer)}' (unverified) {fault}: {_advise(issuer)}")


def _advise(issuer: str) -> str:
    """Return what to do about a token of this issuer. The issuer is unverified, and is not repeated."""
    if re.match(_EMULATOR, issuer):
        return (
            "this is the form of an emulator's. Only if it is your own, set COGNITO_ISSUER (for the local "
            'pool: `eval "$(cognito-guard pool --env)"`).'
        )
    if issuer.endswith(_TEST_POOL):
        return "this is a token of the test kit: use any_door(app), or trusting(app, pool)."
    return "sign in to the right pool, or add it to CognitoGuard(...)."


def unlisted_issuer_error(values: Mapping[str, Any], issuers: Iterable[str]) -> ClaimInvalid | IssuerMismatch:
    """Return the error for claims whose ``iss`` is not one of ``issuers``."""
    return issuer_error(values, f"is none of this guard's pools ({', '.join(issuers)})")


def type_error(name: str, expected: str) -> ClaimInvalid:
    """Return the error for a claim that is missing or of a wrong type."""
    return ClaimInvalid(f"the claim {name} is missing or not {expected}: is this a token of Cognito?")


def _explain_token_use(use: TokenUse, pool: UserPool) -> str:
    accepted = " or ".join(sorted(pool.token_use))
    hint = f'this is an {use} token, {accepted} is due: send {accepted}_token, or add "{use}" to token_use.'
    return hint if use == "access" else f"{hint} Routes with scopes take access tokens only."


def _check_client(values: Mapping[str, Any], use: TokenUse, pool: UserPool) -> None:
    client: str = values[_CLIENT[use]]
    if client not in pool.client_ids:
        raise ClientMismatch(
            f"app client '{escape_for_log(client)}' is not in client_ids: add it if it is one of yours."
        )
    if use == "id" or (pool.resource is None and "aud" not in values):
        return
    audience = _read_audience(values)  # type-checked, also where no resource is configured
    if pool.resource is not None and pool.resource not in audience:
        raise ClientMismatch(f"aud does not name the resource {pool.resource}: ask for it at sign-in.")


def _check_audience_as_http_api(values: Mapping[str, Any], pool: UserPool) -> None:
    """Check the rule of HTTP APIs: ``client_id`` counts only if there is no ``aud``."""
    audience = _read_audience(values) if "aud" in values else (values["client_id"],)
    if not any(name in pool.client_ids or name == pool.resource for name in audience):
        raise ClientMismatch(
            "neither aud nor, where there is no aud, client_id is in client_ids (or is the resource)."
        )


def _read_audience(values: Mapping[str, Any]) -> tuple[str, ...]:
    aud = values.get("aud", [])
    return (aud,) if isinstance(aud, str) else tuple(_check_strings("aud", aud))


def _read_scopes(values: Mapping[str, Any], use: TokenUse, semantics: Semantics) -> frozenset[str]:
    """Return the scopes of an access token. An HTTP API takes them from any token, and from ``scp``."""
    if semantics == "http":
        name = "scope" if "scope" in values else "scp"
    elif use == "access":
        name = "scope"
    else:
        return frozenset()
    given = values.get(name, "")
    if not isinstance(given, str):
        if name == "scope":
            raise type_error("scope", "a string")
        return frozenset(_check_strings(name, given))
    scopes = frozenset(given.split(" "))
    return scopes if "" not in scopes else scopes - {""}


def read_boolean(name: str, value: object) -> bool:
    """Return True for the text ``true`` only. Identity providers and gateways write booleans as text."""
    if not isinstance(value, str):
        raise type_error(name, "true or false")
    return value == "true"


def _check_strings(name: str, value: object) -> list[str]:
    """Return a claim that is a list of strings. Raises `ClaimInvalid` for anything else."""
    if isinstance(value, list):
        for item in value:
            if not isinstance(item, str):
                break
        else:
            return value
    raise type_error(name, "a list of strings")
