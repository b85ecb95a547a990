"""The local user pool: a whole Cognito of one's own on loopback, for development, demos and tests."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.testing.emulator.directory import Directory
from fastapi_cognito_guard.testing.emulator.oauth import AuthorizationServer
from fastapi_cognito_guard.testing.emulator.server import HostedPool
from fastapi_cognito_guard.testing.pool import FakeUserPool
from fastapi_cognito_guard.testing.uvicorn_server import address_of, listen, serving

PORT = 9229
"""The port of a pool that is there for longer than a test."""

_LAMBDA = ("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API")


@dataclass(frozen=True)
class LocalPool:
    """A pool that runs. ``pool`` makes tokens without signing in, rotates and breaks its keys."""

    address: str
    directory: Directory
    pool: FakeUserPool

    @property
    def settings(self) -> dict[str, str]:
        """What to put into the environment of an app that trusts this pool."""
        return {
            "COGNITO_USER_POOL_ID": self.directory.id,
            "COGNITO_CLIENT_IDS": ",".join(client.id for client in self.directory.clients),
            "COGNITO_ISSUER": self.pool.issuer,
            "COGNITO_JWKS_URI": f"{self.pool.issuer}/.well-known/jwks.json",
            "COGNITO_DOMAIN": self.address,
        }

    def user_pool(self, **settings: Any) -> UserPool:
        """The settings that trust this pool, its keys to be fetched from it. ``settings`` override."""
        clients = [client.id for client in self.directory.clients]
        own = {"client_ids": clients, "issuer": self.pool.issuer, "domain": self.address}
        return UserPool(self.directory.id, **{**own, **settings})

    def describe(self) -> str:
        """Who is there, and what an app needs to know. No secret, no password."""
        lines = [f"A local user pool at {self.address}", "", "Put this into the app's environment:", ""]
        lines += [f"  {name}={value}" for name, value in self.settings.items()]
        lines += ["", "Users", ""]
        lines += [f"  {user.username:<16}{', '.join(user.groups) or '-'}" for user in self.directory.users]
        lines += ["", "App clients", ""]
        for client in self.directory.clients:
            lines += [f"  {client.id:<16}{'a machine' if client.is_machine else 'users sign in'}"]
            lines += [f"  {'':16}{scope}" for scope in client.scopes]
        return "\n".join(lines) + "\n"


@contextmanager
def local_pool(
    directory: Directory | None = None,
    *,
    port: int = 0,
    now: Callable[[], float] = time.time,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[LocalPool]:
    """A local pool, up within the block. ``port`` 0 is any free one; ``now`` is its clock.

    It is reachable from this machine only, signs in whoever asks, and forgets everything at its end.
    Raises `ConfigurationError` on Lambda, where nobody should ever be signed in like this, and where
    it cannot be served.
    """
    if any(environ.get(name) for name in _LAMBDA):
        raise ConfigurationError("The local user pool is for development: it does not run on Lambda.")
    directory = directory or Directory()
    listener = listen(port)
    with listener:
        address = address_of(listener)
        client = directory.clients[0].id
        pool = FakeUserPool(directory.id, client_id=client, issuer=f"{address}/{directory.id}", now=now)
        local = LocalPool(address, directory, pool)
        server = AuthorizationServer(pool, directory, now)
        hosted = HostedPool(pool, directory, address, local.describe(), server, now)
        with serving(hosted.app(), listener):
            yield local
