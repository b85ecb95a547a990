"""Models of policies that cannot be given a clock and a fetch. Each names what it follows."""

from random import Random

from benchmarks.fleet.world import Endpoint, Throttled, Unreachable, VirtualTime


class AwsJwtVerifyKeys:
    """aws-jwt-verify 5.2.1: `SimpleJwksCache.getJwk`, `SimplePenaltyBox` (dist/cjs/jwk.js, lines 183-311).

    Keys never age. A fetch that is not answered is tried once more at once, an answer other than 200 is not
    (dist/cjs/https.js, lines 39-51). Only an unknown kid starts the wait of 10 s, a failed fetch does not.
    Every failure is an error of `verify`, which an authorizer answers with 401.
    """

    def __init__(self, time: VirtualTime, endpoint: Endpoint, random: Random) -> None:
        self._time, self._endpoint = time, endpoint
        self._kids: frozenset[str] = frozenset()
        self._waits_until = 0.0

    async def ask(self, kid: str) -> int:
        """Return the status of a request with a good token of this key."""
        if kid in self._kids:
            return 200
        if self._time.now < self._waits_until:
            return 401
        try:
            self._kids = self._fetch()
        except (Throttled, Unreachable):
            return 401
        if kid in self._kids:
            return 200
        self._waits_until = self._time.now + 10
        return 401

    def _fetch(self) -> frozenset[str]:
        try:
            return read_kids(self._endpoint)
        except Unreachable:
            return read_kids(self._endpoint)


class FastapiCognitoKeys:
    """fastapi-cognito 2.10.0: cognito_jwt/decode.py, lines 20-44 and 64-77; `CognitoAuth._decode_token`.

    The first document is kept until the process ends. The status of the answer is not looked at: a 429 with a
    JSON object as its body is kept, too. All failures are 401.
    """

    def __init__(self, time: VirtualTime, endpoint: Endpoint, random: Random) -> None:
        self._endpoint = endpoint
        self._kids: frozenset[str] | None = None

    async def ask(self, kid: str) -> int:
        """Return the status of a request with a good token of this key."""
        if self._kids is None:
            try:
                self._kids = read_kids(self._endpoint)
            except Throttled:
                self._kids = frozenset()
            except Unreachable:
                return 401
        return 200 if kid in self._kids else 401


class TwoHours:
    """A cache of two hours, as API Gateway documents for HTTP APIs.

    How its hosts share the cache, and what they do beyond this sentence, is not documented: here each has its
    own, fetches when the two hours are over, and answers 401 while it cannot, or if the key is unknown.
    """

    def __init__(self, time: VirtualTime, endpoint: Endpoint, random: Random) -> None:
        self._time, self._endpoint = time, endpoint
        self._kids: frozenset[str] = frozenset()
        self._until = 0.0

    async def ask(self, kid: str) -> int:
        """Return the status of a request with a good token of this key."""
        if self._time.now >= self._until:
            try:
                self._kids = read_kids(self._endpoint)
            except (Throttled, Unreachable):
                return 401
            self._until = self._time.now + 7200
        return 200 if kid in self._kids else 401


def read_kids(endpoint: Endpoint) -> frozenset[str]:
    """Fetch the document, and return its kids."""
    return frozenset(key["kid"] for key in endpoint.fetch()["keys"])
