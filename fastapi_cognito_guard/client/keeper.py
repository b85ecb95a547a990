"""One token for many requests: kept until shortly before it expires, and requested once for all of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from typing import NamedTuple

from fastapi_cognito_guard.errors import TokenRequestFailed
from fastapi_cognito_guard.forks import reset_in_children
from fastapi_cognito_guard.single_flight import SingleFlight, wait_for

_MARGIN = 60.0  # seconds before its expiry at which a token is renewed; half its life, if that is less
_FUTILE = 10.0  # seconds for which a token that replaced a refused one is not itself replaced
_GRACE = 1.0  # seconds past its deadline after which a token request counts as lost
_MOST_LOST = 4  # lost token requests, each of which holds a thread; beside so many, no other one is started
_NEVER = float("-inf")


class Issued(NamedTuple):
    """Token, its lifetime in seconds, and the refresh token to use the next time, if that is another one."""

    token: str
    lifetime: float
    refresh_token: str | None = None


TokenRequest = Callable[[], Awaitable[Issued]]
_Pending = Future[Issued | BaseException]


class _Kept(NamedTuple):
    """The token in use, the end of its use, the time at which it replaced a refused one, and its refusal."""

    token: str = ""
    fresh_until: float = _NEVER
    renewed_at: float = _NEVER
    is_refused: bool = False


class UnderWay(NamedTuple):
    """Token request, and its latest end on the monotonic clock."""

    result: _Pending
    ends: float

    def seconds_left(self) -> float:
        """Return the time for which waiting makes sense."""
        return max(0.0, self.ends - time.monotonic())

    def is_lost(self) -> bool:
        """Return True if the request should have ended long ago."""
        return not self.seconds_left() and not self.result.done()


class TokenKeeper:
    """The token in use, and the request for the next one.

    ``timeout``    seconds that a token request may take
    ``now``        the clock, in seconds since the epoch
    ``advice``     what to do about a request that takes longer
    ``on_issued``  called with each new token, while no other call can see a half-made change
    """

    def __init__(
        self,
        *,
        timeout: float,
        now: Callable[[], float],
        advice: str,
        on_issued: Callable[[Issued], None] | None = None,
    ) -> None:
        self._timeout = timeout
        self._now = now
        self._advice = advice
        self._on_issued = on_issued
        self._kept = _Kept()
        self.flight: SingleFlight[Issued] = SingleFlight("cognito-token")
        self._under_way: UnderWay | None = None
        self.reset()
        reset_in_children(self)

    def reset(self) -> None:
        """Forget the lost requests, whose threads a child does not have."""
        self._lost: list[UnderWay] = []

    def find(self, request: TokenRequest) -> str | UnderWay:
        """Return the token in use, or the request for one that is under way."""
        with self.flight.lock:
            if self._now() < self._kept.fresh_until:
                return self._kept.token
            return self._join_request(request)

    def refuse(self, token: str) -> bool:
        """Put a token that was refused out of use. Return False if it replaced a refused one just now."""
        with self.flight.lock:
            if self._kept.token == token:
                if self._now() - self._kept.renewed_at < _FUTILE:
                    return False
                self._kept = self._kept._replace(fresh_until=_NEVER, is_refused=True)
            return True

    def wait(self, token: str | UnderWay) -> str:
        """Return the token, when its request has ended. Raises the error of the request."""
        if isinstance(token, str):
            return token
        wait([token.result], token.seconds_left())
        return self._unwrap(token.result)

    async def wait_async(self, token: str | UnderWay) -> str:
        """Do the same under asyncio or Trio."""
        if isinstance(token, str):
            return token
        await wait_for(token.result, token.seconds_left())
        return self._unwrap(token.result)

    def _join_request(self, request: TokenRequest) -> UnderWay:
        """Return the token request under way, or start one. The caller holds the lock."""
        if self.flight.current is not None and self._under_way is not None:
            if not self._under_way.is_lost():
                return self._under_way
            self.flight.abandon()
            self._lost.append(self._under_way)
        self._check_lost()
        ends = time.monotonic() + self._timeout + _GRACE
        result = self.flight.start(lambda: self._limit(request), self._keep)
        under_way = UnderWay(result, ends)
        self._under_way = None if result.done() else under_way
        return under_way

    def _check_lost(self) -> None:
        """Raise `TokenRequestFailed` while so many lost requests hold a thread that more would do harm."""
        self._lost = [lost for lost in self._lost if not lost.result.done()]
        if len(self._lost) >= _MOST_LOST:
            raise TokenRequestFailed(
                f"{len(self._lost)} requests for a token have not ended after {self._timeout} seconds: "
                f"{self._advice}."
            )

    async def _limit(self, request: TokenRequest) -> Issued:
        try:
            async with asyncio.timeout(self._timeout):
                return await request()
        except TimeoutError:
            raise self._timeout_error() from None

    def _keep(self, result: Issued | BaseException) -> None:
        self._under_way = None  # the traceback of an error holds what was sent
        if isinstance(result, Issued):
            now = self._now()
            fresh_until = now + result.lifetime - min(_MARGIN, result.lifetime / 2)
            self._kept = _Kept(result.token, fresh_until, now if self._kept.is_refused else _NEVER)
            if self._on_issued is not None:
                self._on_issued(result)

    def _unwrap(self, pending: _Pending) -> str:
        result = pending.result() if pending.done() else self._timeout_error()
        if isinstance(result, Issued):
            return result.token
        if isinstance(result, Exception):
            raise result
        # A token provider that cancels or exits does not end its caller.
        raise TokenRequestFailed(f"The token provider ended with {type(result).__name__}.")

    def _timeout_error(self) -> TokenRequestFailed:
        return TokenRequestFailed(f"No token within {self._timeout} seconds: {self._advice}.")
