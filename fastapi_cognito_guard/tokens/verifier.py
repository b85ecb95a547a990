"""The token door: parse, choose the pool, find the key, prove the signature; only then are there claims."""

from collections.abc import Mapping

from fastapi_cognito_guard.claims import Claims, pool_of
from fastapi_cognito_guard.errors import SignatureInvalid
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.tokens.jwt import parse
from fastapi_cognito_guard.tokens.keys import KeySet


class Verifier:
    """Proves that tokens were signed by one of the configured pools."""

    def __init__(self, pools: Mapping[str, UserPool], key_sets: Mapping[str, KeySet]) -> None:
        """``pools`` by issuer, ``key_sets`` by pool id."""
        self._pools = pools
        self._key_sets = key_sets

    async def claims(self, token: str) -> Claims:
        """The claims of a token whose signature is good. They are not judged yet.

        Raises a leaf of `Unauthenticated`, or `KeysUnavailable`.
        """
        jwt = parse(token)
        # ``iss`` only chooses from the fixed list. No address ever comes from a token.
        pool = pool_of(jwt.payload, self._pools)
        key = await self._key_sets[pool.id].key(jwt.kid)
        if not key.verify(jwt.signing_input, jwt.signature):
            raise SignatureInvalid("the token was changed on its way, or the pool did not sign it.")
        return Claims(values=jwt.payload, source="token")
