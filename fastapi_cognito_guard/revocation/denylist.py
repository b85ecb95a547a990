"""The list of revoked tokens, by token, by sign-in, or by caller."""

from collections.abc import Callable, Mapping
from math import ceil

from fastapi_cognito_guard.claims import type_error
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.principal import Principal, copy_all_claims
from fastapi_cognito_guard.revocation.backends import Backend
from fastapi_cognito_guard.tokens.clock import read_time

LONGEST_LIFETIME = 86400  # seconds: the most that Cognito allows for ID and access tokens
_LONGEST_LEEWAY = 300  # seconds: a guard may accept a token that much longer
_MAX_LENGTH = 256  # characters; Cognito's own identifiers are far shorter

_BY_ID = ("jti", "origin_jti")


class Denylist:
    """List of revoked tokens, to be the check of a guard: ``CognitoGuard(revoked=Denylist(backend))``.

    It has entries by ``jti`` (one token), ``origin_jti`` (all tokens of one sign-in) and ``sub`` (tokens of
    a user whose sign-in, or of a machine whose token, is older than a time; also tokens by which that machine
    acts for users).

    ``backend``   `DynamoDBBackend`, `RedisBackend`, `MemoryBackend`, or another `Backend`
    ``lifetime``  the longest lifetime of your tokens, in seconds: so long an entry is kept. By default a
                  day, the longest that Cognito allows
    ``now``       the clock, in seconds since the epoch

    An entry ends tokens that were issued. Revoke the refresh token at Cognito too, or it brings new ones.
    """

    def __init__(
        self, backend: Backend, *, lifetime: int = LONGEST_LIFETIME, now: Callable[[], float] = read_time
    ) -> None:
        if isinstance(lifetime, bool) or not isinstance(lifetime, int) or not 300 <= lifetime <= 86400:
            raise ConfigurationError(
                "lifetime is a whole number of seconds from 300 to 86400, as of Cognito's tokens.",
                setting="lifetime",
            )
        self._backend = backend
        self._lifetime = lifetime
        self._now = now

    async def revoke(
        self,
        *,
        jti: str | None = None,
        origin_jti: str | None = None,
        sub: str | None = None,
        not_before: float | None = None,
    ) -> int:
        """Revoke one token, all of one sign-in, or those of one caller. Return how long it is kept.

        ``not_before``  for ``sub``: tokens of a sign-in before this time are revoked (seconds since the
                        epoch; by default those of any sign-in up to now). A new sign-in is good again

        Raises `ConfigurationError` for anything but one identifier, and what the backend raises.
        """
        given = {"jti": jti, "origin_jti": origin_jti, "sub": sub}
        key = _build_key(given)
        if not_before is not None and sub is None:
            raise ConfigurationError("not_before is for sub: a jti or origin_jti is revoked as a whole.")
        # Tokens have whole seconds: those of the running second are revoked, too.
        start = int(self._now()) + 1 if not_before is None else self._check_time(not_before)
        kept = self._lifetime + _LONGEST_LEEWAY + max(0, start - int(self._now()))
        await self._backend.add(key, start, kept)
        return kept

    async def __call__(self, principal: Principal) -> bool:
        """Return True if the principal's token was revoked."""
        claims = copy_all_claims(principal)
        ids = [f"{name}:{value}" for name in _BY_ID if (value := _read_id(claims, name)) is not None]
        starts = _list_starts(principal, claims)
        keys = [key for key in (*ids, *starts) if len(key) <= _MAX_LENGTH]  # no entry has a longer one
        found = await self._backend.find(keys)
        if any(key in found for key in ids):
            return True
        return any(key in found and start < found[key] for key, start in starts.items())

    def _check_time(self, not_before: object) -> int:
        latest = self._now() + LONGEST_LIFETIME
        if (
            isinstance(not_before, bool)
            or not isinstance(not_before, int | float)
            or not 0 <= not_before <= latest
        ):
            raise ConfigurationError(
                "not_before is in seconds since the epoch, and at most a day ahead.", setting="not_before"
            )
        return ceil(not_before)


def _build_key(given: Mapping[str, object]) -> str:
    named = [(name, value) for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise ConfigurationError("Give one of jti, origin_jti and sub, which the token may lack: try sub.")
    name, value = named[0]
    key = f"{name}:{value}"
    if not isinstance(value, str) or not value.isprintable() or not value or len(key) > _MAX_LENGTH:
        raise ConfigurationError(f"{name} is the claim of a token, up to 200 characters.", setting=name)
    return key


def _read_id(claims: Mapping[str, object], name: str) -> str | None:
    value = claims.get(name)
    if value is not None and not isinstance(value, str):
        raise type_error(name, "a string")
    return value


def _list_starts(principal: Principal, claims: Mapping[str, object]) -> dict[str, float]:
    """Return the keys of the caller and of the current actor, and since when each may be at work.

    For a user that is the sign-in, and for a machine and an actor the token.
    """
    actor = principal.actor
    by_actor = {} if actor is None else {f"sub:{actor.sub}": _read_time(claims, "iat")}
    return {**by_actor, f"sub:{principal.sub}": _read_time(claims, "auth_time", "iat")}


def _read_time(claims: Mapping[str, object], *names: str) -> float:
    """Return the first of these times. A token without any began never."""
    for name in names:
        value = claims.get(name)
        if isinstance(value, int | float):
            return value
    return float("-inf")
