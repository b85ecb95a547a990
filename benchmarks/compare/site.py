"""Site of a library: a pool, and a server of its keys on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.compare.keyserver import KeyServer
from benchmarks.compare.place import CLIENT_ID, POOL_ID, RESOURCE, Place
from fastapi_cognito_guard.testing import FakeUserPool


@dataclass(frozen=True)
class Site:
    """Place with what stands behind it: the pool, whose tokens have ``aud`` or not, and the server."""

    pool: FakeUserPool
    server: KeyServer
    place: Place
    audience: bool

    def issue(self, **arguments: Any) -> str:
        """Issue an access token. It has an ``aud`` only if the library requires one."""
        own = {"aud": RESOURCE} if self.audience else {}
        return self.pool.access_token(**{**arguments, "claims": {**own, **arguments.get("claims", {})}})


@contextmanager
def open_site(
    *, tls: bool = False, audience: bool = False, discovery: bool = False, started: bool = True
) -> Iterator[Site]:
    """Open a site. With ``discovery``, the issuer is the server itself, and describes its keys' address."""
    with KeyServer(tls=tls) as server:
        issuer = server.base if discovery else "original"
        pool = FakeUserPool(POOL_ID, client_id=CLIENT_ID, issuer=issuer)
        server.publish(pool)
        if started:
            server.start()
        place = Place(POOL_ID, CLIENT_ID, pool.issuer, server.address)
        yield Site(pool, server, place, audience)
