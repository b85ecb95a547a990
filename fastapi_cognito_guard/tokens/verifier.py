"""The way from a bearer token to its principal."""

from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from typing import Any, Self, cast

import anyio

from fastapi_cognito_guard.claims import (
    Claims,
    ClaimsValidator,
    check_clients_bound,
    unlisted_issuer_error,
)
from fastapi_cognito_guard.directory import PoolDirectory
from fastapi_cognito_guard.errors import AuthError, KeyUnknown, SignatureInvalid
from fastapi_cognito_guard.pool import KeyPolicy, UserPool
from fastapi_cognito_guard.tokens.cache import TokenCache, VerifiedToken, hash_token
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.fetch import Fetch
from fastapi_cognito_guard.tokens.jwks import PublicKey
from fastapi_cognito_guard.tokens.jwt import KnownHeaders, UnverifiedJwt, parse
from fastapi_cognito_guard.tokens.key_source import KeySource, build_key_source
from fastapi_cognito_guard.tokens.tenants import Tenants
from fastapi_cognito_guard.validation import escape_for_log, loggable_claims


class TokenVerifier:
    """Verifies the tokens of a fixed list of pools, and of those in a directory."""

    def __init__(
        self,
        pools: Mapping[str, UserPool],
        validator: ClaimsValidator,
        *,
        keys: KeyPolicy,
        fetch: Fetch | None,
        now: Callable[[], float],
        remember: int,
        max_length: int,
        directory: PoolDirectory | None = None,
    ) -> None:
        """``pools`` by issuer; ``directory`` is asked for other issuers.

        Raises `ConfigurationError` for ``jwks`` without a usable key.
        """
        clock = Clock(wall=now)
        build = partial(build_key_source, policy=keys, clock=clock, fetch=fetch)

        def build_checked(pool: UserPool) -> KeySource:
            check_clients_bound(pool, validator.semantics)
            return build(pool)

        self._sources: dict[str, KeySource] = {pool.id: build(pool) for pool in pools.values()}
        self._by_issuer = {issuer: self._sources[pool.id] for issuer, pool in pools.items()}
        self._headers = KnownHeaders()
        self.cache = TokenCache(remember)
        self.validator = validator
        self._now = now
        self.max_length = max_length
        self.tenants = (
            None
            if directory is None
            else Tenants(directory, known=pools, build_keys=build_checked, clock=clock)
        )

    async def verify(self, token: str, *, patience: float = 0.0) -> VerifiedToken:
        """Verify a bare token. Waits only if its key must be fetched. Raises an `AuthError`.

        ``patience``: seconds to wait for a refresh of stale keys that this call starts.
        """
        digest = hash_token(token) if self._is_cacheable(token) else None
        if digest is not None and (entry := self.cache.find(digest)) is not None:
            return self._check_again(entry)
        jwt = parse(
            token,
            max_length=self.max_length,
            headers=self._headers,
            on_new_header=self._refuse_lacking_kid if self.tenants is None else None,
        )
        # ``iss`` only chooses from the fixed list, or from a directory of the app's own. No address ever
        # comes from a token.
        issuer = jwt.payload.get("iss")
        source, pool = self._by_issuer.get(issuer) if isinstance(issuer, str) else None, None
        if source is None:
            pool, source = await self._find_tenant(jwt)
        key = source.find(jwt.kid) or await _wait_for_key(source, jwt, patience)
        verified = self._check(jwt, key, source, pool)
        if self.cache.size:
            self.cache.keep(digest or hash_token(token), verified)
        return verified

    def with_validator(self, validator: ClaimsValidator, *, remember: int = 0, **settings: Any) -> Self:
        """Return a verifier with the same keys, other rules for claims, and a cache of its own.

        ``settings`` replace those of the pools in the directory.
        """
        other = copy(self)
        other.validator, other.cache = validator, TokenCache(remember)
        other.tenants = None if self.tenants is None else self.tenants.with_settings(**settings)
        return other

    async def warm_up(self) -> bool:
        """Fetch all keys that are not fresh, of all pools at once. Return False if some are not available."""
        available: list[bool] = []

        async def warm_up(source: KeySource) -> None:
            available.append(await source.warm_up())

        async with anyio.create_task_group() as group:
            for source in self._sources.values():
                group.start_soon(warm_up, source)
        return all(available)

    def status(self) -> dict[str, Any]:
        """Return the state of the keys by pool id, and the numbers of tokens and of tenants in memory."""
        tenants = {} if self.tenants is None else {"tenants": self.tenants.count}
        return {
            "keys": {pool: source.status() for pool, source in self._sources.items()},
            "remembered": len(self.cache),
            **tenants,
        }

    def _is_cacheable(self, token: object) -> bool:
        """Return True if the header is that of a verified token, so that junk is not hashed."""
        return (
            self.cache.size > 0
            and isinstance(token, str)
            and token[: token.find(".")] in self._headers.kids
            and token.isascii()
        )

    async def _find_tenant(self, jwt: UnverifiedJwt) -> tuple[UserPool, KeySource]:
        """Return the pool of an issuer that is not in the fixed list, and its keys. Raises an `AuthError`."""
        try:
            if self.tenants is None:
                raise unlisted_issuer_error(jwt.payload, self._by_issuer)
            return await self.tenants.get(jwt.payload)
        except AuthError as error:
            raise _with_unverified_claims(error, jwt) from None

    def _check(
        self, jwt: UnverifiedJwt, key: PublicKey, source: KeySource, pool: UserPool | None
    ) -> VerifiedToken:
        """Check signature and claims. ``pool`` is that of a tenant."""
        if not key.verify(jwt.signing_input, jwt.signature):
            error = SignatureInvalid("the token was changed on its way, or the pool did not sign it.")
            raise _with_unverified_claims(error, jwt)
        if jwt.header not in self._headers.kids:
            self._headers.keep(jwt)
        claims = cast(Claims, jwt.payload)
        try:
            principal, valid_from = self.validator.validate(claims, "token", self._now(), pool)
        except AuthError as error:
            error.about = _describe(claims, jwt.kid)
            raise
        return VerifiedToken(principal, valid_from, jwt.length, jwt.kid, key, source)

    def _check_again(self, entry: VerifiedToken) -> VerifiedToken:
        """Check the time of a token whose signature and claims were good before."""
        try:
            self.validator.check_time(entry.valid_from, entry.principal.expires_at, self._now())
        except AuthError as error:
            error.about = _describe(entry.principal.claims, entry.kid)
            raise
        return entry

    def _refuse_lacking_kid(self, kid: str) -> None:
        """Refuse a kid that no pool has, before the payload is parsed: a flood of them stays cheap."""
        if all(source.lacks(kid) for source in self._sources.values()):
            raise KeyUnknown("no key has the token's kid, and other unknown ones were asked for just now.")


async def _wait_for_key(source: KeySource, jwt: UnverifiedJwt, patience: float) -> PublicKey:
    try:
        return await source.get(jwt.kid, patience=patience)
    except AuthError as error:
        raise _with_unverified_claims(error, jwt) from None


def _with_unverified_claims(error: AuthError, jwt: UnverifiedJwt) -> AuthError:
    """Add the claims of a token whose signature is not verified, under names that say so."""
    error.about = {
        **loggable_claims(jwt.payload, prefix="unverified_"),
        "unverified_kid": escape_for_log(jwt.kid),
    }
    return error


def _describe(claims: Mapping[str, Any], kid: str) -> Mapping[str, str]:
    """Return the loggable facts of a token that the pool has signed."""
    return {**loggable_claims(claims), "kid": escape_for_log(kid), "source": "token"}
