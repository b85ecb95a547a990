"""The token door: parse, choose the pool, find the key, prove the signature; only then are there claims."""

from collections.abc import Mapping
from typing import Any, Protocol, cast

from fastapi_cognito_guard.claims import Claims, foreign
from fastapi_cognito_guard.errors import AuthError, KeyUnknown, SignatureInvalid
from fastapi_cognito_guard.pool import KeyPolicy, UserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.fetch import Fetch, fetch_over_https
from fastapi_cognito_guard.tokens.jwks import PublicKey
from fastapi_cognito_guard.tokens.jwt import KnownHeaders, UnverifiedJwt, parse
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys
from fastapi_cognito_guard.tokens.static_keys import FileKeys, MappingKeys
from fastapi_cognito_guard.validation import escape_for_log, told


class KeySource(Protocol):
    """Where a pool's keys come from."""

    def find(self, kid: str) -> PublicKey | None: ...

    def lacks(self, kid: str) -> bool: ...

    async def key(self, kid: str, *, patience: float = 0.0) -> PublicKey: ...

    async def warm_up(self) -> bool: ...

    def status(self) -> dict[str, Any]: ...


class Verifier:
    """Proves that tokens were signed by one of the configured pools."""

    def __init__(self, keys: Mapping[str, KeySource], *, max_length: int) -> None:
        """``keys`` by issuer; ``max_length`` of a token, in characters."""
        self._keys = keys
        self._max_length = max_length
        self._headers = KnownHeaders()
        self._sources = tuple({id(source): source for source in keys.values()}.values())

    def read(self, token: str) -> UnverifiedJwt:
        """A well-formed token. Nothing is proven yet. Raises a leaf of `Unauthenticated`."""
        return parse(
            token, max_length=self._max_length, headers=self._headers, on_new_header=self._refuse_in_a_flood
        )

    def keys_of(self, jwt: UnverifiedJwt) -> KeySource:
        """The keys of the pool that a token says it is of: ``iss`` only chooses from the fixed list.

        No address ever comes from a token. Raises `IssuerMismatch` or `ClaimInvalid`.
        """
        issuer = jwt.payload.get("iss")
        keys = self._keys.get(issuer) if isinstance(issuer, str) else None
        if keys is None:
            raise unproven(foreign(jwt.payload, self._keys), jwt)
        return keys

    def prove(self, jwt: UnverifiedJwt, key: PublicKey) -> Claims:
        """The claims of a token that the key signed. What they are worth is not judged yet.

        Raises `SignatureInvalid`.
        """
        if not key.verify(jwt.signing_input, jwt.signature):
            raise unproven(
                SignatureInvalid("the token was changed on its way, or the pool did not sign it."), jwt
            )
        self._headers.keep(jwt)
        return cast(Claims, jwt.payload)

    def knows_header(self, token: str) -> bool:
        """Whether it is ASCII, and a good token had the same header. Else it cannot be remembered itself."""
        return token[: token.find(".")] in self._headers.kids and token.isascii()

    def _refuse_in_a_flood(self, kid: str) -> None:
        """In a flood of unknown kids, one is refused as soon as it is read."""
        for keys in self._sources:
            if not keys.lacks(kid):
                return
        raise KeyUnknown("no key has the token's kid, and other unknown ones were asked for just now.")


def unproven(error: AuthError, jwt: UnverifiedJwt) -> AuthError:
    """The refusal, with what the token says of itself: nothing vouches for it, and it is named so."""
    error.about = {**told(jwt.payload, prefix="unverified_"), "unverified_kid": escape_for_log(jwt.kid)}
    return error


def keys_of(pool: UserPool, policy: KeyPolicy, *, clock: Clock, fetch: Fetch | None) -> KeySource:
    """The keys of a pool: given with its settings, or fetched. Raises `ConfigurationError`."""
    if pool.jwks is None:
        return RemoteKeys(pool.keys_address, policy, fetch=fetch or fetch_over_https, clock=clock)
    if isinstance(pool.jwks, Mapping):
        return MappingKeys(pool.jwks)
    return FileKeys(pool.jwks, clock)
