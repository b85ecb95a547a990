"""The token door: parse, choose the pool, find the key, prove the signature; only then are there claims."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from fastapi_cognito_guard.claims import Claims, pool_of
from fastapi_cognito_guard.errors import SignatureInvalid
from fastapi_cognito_guard.pool import KeyPolicy, UserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.fetch import Fetch, fetch_over_https
from fastapi_cognito_guard.tokens.jwks import PublicKey
from fastapi_cognito_guard.tokens.jwt import HeaderMemo, parse
from fastapi_cognito_guard.tokens.keys import KeySet
from fastapi_cognito_guard.tokens.offline import FileKeys, MappingKeys


class KeySource(Protocol):
    """Where a pool's keys come from."""

    def find(self, kid: str) -> PublicKey | None: ...

    async def key(self, kid: str, *, patience: float = 0.0) -> PublicKey: ...

    async def warm_up(self) -> bool: ...

    def status(self) -> dict[str, Any]: ...


class Proof(NamedTuple):
    """Claims, and the key that proves them: the one that ``keys`` has under ``kid``."""

    claims: Claims
    keys: KeySource
    kid: str
    key: PublicKey


class Verifier:
    """Proves that tokens were signed by one of the configured pools."""

    def __init__(
        self, pools: Mapping[str, UserPool], keys: Mapping[str, KeySource], *, max_length: int
    ) -> None:
        """``pools`` and their ``keys`` by issuer; ``max_length`` of a token, in characters."""
        self._pools = pools
        self._keys = keys
        self._max_length = max_length
        self._headers = HeaderMemo()

    async def prove(self, token: str, *, patience: float = 0.0) -> Proof:
        """That a pool signed the token. What its claims are worth is not judged yet.

        Raises a leaf of `Unauthenticated`, or `KeysUnavailable`. ``patience`` is `KeySet.key`'s.
        """
        jwt = parse(token, max_length=self._max_length, headers=self._headers)
        # ``iss`` only chooses from the fixed list. No address ever comes from a token.
        pool_of(jwt.payload, self._pools)
        keys = self._keys[jwt.payload["iss"]]
        key = keys.find(jwt.kid) or await keys.key(jwt.kid, patience=patience)
        if not key.verify(jwt.signing_input, jwt.signature):
            raise SignatureInvalid("the token was changed on its way, or the pool did not sign it.")
        self._headers.keep(jwt)
        return Proof(Claims(values=jwt.payload, source="token"), keys, jwt.kid, key)


def keys_of(pool: UserPool, policy: KeyPolicy, *, clock: Clock, fetch: Fetch | None) -> KeySource:
    """The keys of a pool: given with its settings, or fetched. Raises `ConfigurationError`."""
    if pool.jwks is None:
        return KeySet(pool.keys_address, policy, fetch=fetch or fetch_over_https, clock=clock)
    if isinstance(pool.jwks, Mapping):
        return MappingKeys(pool.jwks)
    return FileKeys(pool.jwks, clock)
