"""The token door: a bare token is proven and judged, or remembered from when it was."""

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, Self

from fastapi_cognito_guard.claims import Claims, Judge
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.pool import KeyPolicy, UserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.fetch import Fetch
from fastapi_cognito_guard.tokens.jwt import UnverifiedJwt, check_length
from fastapi_cognito_guard.tokens.memo import Memo, Proven, digest_of
from fastapi_cognito_guard.tokens.verifier import Verifier, keys_of
from fastapi_cognito_guard.untrusted import fit_for_a_log, told


class TokenDoor:
    """What turns tokens into principals, for one guard."""

    def __init__(
        self,
        pools: Mapping[str, UserPool],
        judge: Judge,
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
        self._memo = Memo(remember)
        self.max_length = max_length

    async def prove(self, token: str, *, patience: float) -> Proven:
        """Who the token speaks of, and what proved it. Raises an `AuthError`."""
        check_length(token, self.max_length)
        digest = digest_of(token) if self._memo.size and self._verifier.knows_header(token) else None
        if digest is not None and (known := self._memo.find(digest)) is not None:
            known.validity.check(self._now(), self._judge.leeway)
            return known
        jwt = self._verifier.read(token)
        claims = None
        try:
            keys = self._verifier.keys_of(jwt)
            key = keys.find(jwt.kid) or await keys.key(jwt.kid, patience=patience)
            claims = self._verifier.prove(jwt, key)
            principal, validity = self._judge.principal(claims, self._now())
        except AuthError as error:
            error.about = _about(jwt, claims)
            raise
        proven = Proven(principal, validity, keys, jwt.kid, key)
        if self._memo.size:
            self._memo.keep(digest or digest_of(token), proven)
        return proven

    def judged_by(self, judge: Judge) -> Self:
        """The same keys behind a judge of other rules, which remembers nothing."""
        other = copy(self)
        other._judge, other._memo = judge, Memo(0)
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


def _about(jwt: UnverifiedJwt, claims: Claims | None) -> Mapping[str, str]:
    """What a refused token said of itself; what its signature does not vouch for is named so."""
    if claims is None:
        return {**told(jwt.payload, prefix="unverified_"), "unverified_kid": fit_for_a_log(jwt.kid)}
    return {**told(claims.values), "kid": fit_for_a_log(jwt.kid), "source": claims.source}
