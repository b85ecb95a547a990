"""The token door: a bare token is proven and judged, or remembered from when it was."""

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, NamedTuple, Self

from fastapi_cognito_guard.claims import ClaimsValidator
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.pool import KeyPolicy, UserPool
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.tokens.cache import CachedToken, TokenCache, hash_token
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.fetch import Fetch
from fastapi_cognito_guard.tokens.jwks import PublicKey
from fastapi_cognito_guard.tokens.jwt import UnverifiedJwt, check_length
from fastapi_cognito_guard.tokens.verifier import KeySource, Verifier, keys_of, unproven
from fastapi_cognito_guard.validation import escape_for_log, told

Proof = tuple[Principal, str]
"""Who a token speaks of, and the kid of the key that proved it."""


class Waiting(NamedTuple):
    """A token whose key is not at hand, and whom to ask for it."""

    token: str
    jwt: UnverifiedJwt
    keys: KeySource


class TokenDoor:
    """What turns tokens into principals, for one guard."""

    def __init__(
        self,
        pools: Mapping[str, UserPool],
        judge: ClaimsValidator,
        *,
        keys: KeyPolicy,
        fetch: Fetch | None,
        now: Callable[[], float],
        remember: int,
        max_length: int,
    ) -> None:
        """``pools`` by issuer. Raises `ConfigurationError` for offline keys of which none can be used."""
        clock = Clock(wall=now)
        by_id = {pool.id: pool for pool in pools.values()}
        self._keys = {name: keys_of(pool, keys, clock=clock, fetch=fetch) for name, pool in by_id.items()}
        self._verifier = Verifier(
            {issuer: self._keys[pool.id] for issuer, pool in pools.items()}, max_length=max_length
        )
        self._judge = judge
        self._now = now
        self._memo = TokenCache(remember)
        self.max_length = max_length

    def prove(self, token: str) -> Proof | Waiting:
        """Who the token speaks of, or what to `wait` for. Raises an `AuthError`."""
        check_length(token, self.max_length)
        digest = hash_token(token) if self._memo.size and self._verifier.knows_header(token) else None
        if digest is not None and (known := self._memo.find(digest)) is not None:
            return self._still_good(known)
        jwt = self._verifier.read(token)
        keys = self._verifier.keys_of(jwt)
        key = keys.find(jwt.kid)
        return Waiting(token, jwt, keys) if key is None else self._judged(token, digest, jwt, keys, key)

    async def wait(self, waiting: Waiting, *, patience: float) -> Proof:
        """Who the token speaks of, once its key has come. Raises an `AuthError`."""
        token, jwt, keys = waiting
        try:
            key = await keys.key(jwt.kid, patience=patience)
        except AuthError as error:
            unproven(error, jwt)
            raise
        return self._judged(token, None, jwt, keys, key)

    def _judged(
        self, token: str, digest: bytes | None, jwt: UnverifiedJwt, keys: KeySource, key: PublicKey
    ) -> Proof:
        claims = self._verifier.prove(jwt, key)
        try:
            principal, starts = self._judge.principal(claims, "token", self._now())
        except AuthError as error:
            error.about = _about(claims, jwt.kid)
            raise
        if self._memo.size:
            self._memo.keep(digest or hash_token(token), CachedToken(principal, starts, keys, jwt.kid, key))
        return principal, jwt.kid

    def _still_good(self, known: CachedToken) -> Proof:
        try:
            self._judge.check_time(known.starts, known.principal.expires_at, self._now())
        except AuthError as error:
            error.about = _about(known.principal.claims, known.kid)
            raise
        return known.principal, known.kid

    def judged_by(self, judge: ClaimsValidator) -> Self:
        """The same keys behind a judge of other rules, which remembers nothing."""
        other = copy(self)
        other._judge, other._memo = judge, TokenCache(0)
        return other

    async def warm_up(self) -> bool:
        """Fetch all keys that are not fresh. False if some cannot be had."""
        return all([await keys.warm_up() for keys in self._keys.values()])

    def status(self) -> dict[str, Any]:
        """By pool id how its keys are, and how many tokens are remembered."""
        return {
            "keys": {pool: keys.status() for pool, keys in self._keys.items()},
            "remembered": len(self._memo),
        }


def _about(claims: Mapping[str, Any], kid: str) -> Mapping[str, str]:
    """What is known of a token that the pool has signed, and that is refused all the same."""
    return {**told(claims), "kid": escape_for_log(kid), "source": "token"}
