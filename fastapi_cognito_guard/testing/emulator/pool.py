"""Local user pool: the emulator as a running server, for development, demos and tests."""

import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi_cognito_guard.addresses import is_on_lambda
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.testing.emulator.directory import Directory, LocalUser
from fastapi_cognito_guard.testing.emulator.oauth import AuthorizationServer
from fastapi_cognito_guard.testing.emulator.server import HostedUI
from fastapi_cognito_guard.testing.pool import FakeUserPool
from fastapi_cognito_guard.testing.uvicorn_server import get_address, listen, serve_app
from fastapi_cognito_guard.tokens.clock import read_time


@dataclass(frozen=True)
class LocalPool:
    """Running local pool. ``pool`` issues tokens without a sign-in, and rotates or breaks the keys."""

    address: str
    directory: Directory
    pool: FakeUserPool

    @property
    def settings(self) -> dict[str, str]:
        """Environment variables of an app that trusts this pool."""
        return build_settings(self.directory, self.address)

    def user_pool(self, **settings: Any) -> UserPool:
        """Build settings that trust this pool and fetch its keys. ``settings`` override them."""
        clients = _list_client_ids(self.directory)
        own = {"client_ids": clients, "issuer": self.pool.issuer, "domain": self.address}
        return UserPool(self.directory.id, **{**own, **settings})

    def describe(self) -> str:
        """Describe the settings of an app, the users and the clients, without secrets and passwords."""
        lines = [f"A local user pool at {self.address}", ""]
        lines += ["Settings for CognitoGuard.from_env(), to paste into the app's shell:", ""]
        lines += [f"  {line}" for line in format_exports(self.settings)]
        names = [user.username for user in self.directory.users]
        width = 2 + max(14, *map(len, (*names, *(client.id for client in self.directory.clients))))
        lines += ["", "Users", ""]
        lines += [f"  {user.username:<{width}}{_describe_user(user)}" for user in self.directory.users]
        lines += ["", "App clients", ""]
        for client in self.directory.clients:
            lines += [f"  {client.id:<{width}}{'a machine' if client.is_machine else 'users sign in'}"]
            lines += [f"  {'':{width}}{scope}" for scope in client.scopes]
        return "\n".join(lines) + "\n"


def build_settings(directory: Directory, address: str) -> dict[str, str]:
    """Build the environment variables of an app that trusts the pool at ``address``."""
    issuer = f"{address}/{directory.id}"
    return {
        "COGNITO_USER_POOL_ID": directory.id,
        "COGNITO_CLIENT_IDS": ",".join(_list_client_ids(directory)),
        "COGNITO_ISSUER": issuer,
        "COGNITO_JWKS_URI": f"{issuer}/.well-known/jwks.json",
        "COGNITO_DOMAIN": address,
    }


def format_exports(settings: Mapping[str, str]) -> list[str]:
    """Return lines for a shell, which a file of ``uvicorn --env-file`` may hold, too."""
    return [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]


def _describe_user(user: LocalUser) -> str:
    without = f"  (without {', '.join(user.suppressed_scopes)})" if user.suppressed_scopes else ""
    return (", ".join(user.groups) or "-") + without


def _list_client_ids(directory: Directory) -> list[str]:
    """Return all ids. Those without a secret come first, then other sign-ins: ``/docs`` takes the first."""
    clients = sorted(directory.clients, key=lambda client: (client.is_machine, client.secret is not None))
    return [client.id for client in clients]


@contextmanager
def local_pool(
    directory: Directory | None = None,
    *,
    port: int = 0,
    now: Callable[[], float] = read_time,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[LocalPool]:
    """Run a local pool within the block. ``port`` 0 is any free one; ``now`` is its clock.

    It listens on 127.0.0.1 only, signs in any of its users on request, and keeps nothing. Raises
    `ConfigurationError` on Lambda, where such sign-ins must never be possible, and if it cannot start.
    """
    if is_on_lambda(environ):
        raise ConfigurationError("The local user pool is for development: it does not run on Lambda.")
    directory = directory or Directory()
    with listen(port) as listener:
        address = get_address(listener)
        client = directory.clients[0].id
        pool = FakeUserPool(directory.id, client_id=client, issuer=f"{address}/{directory.id}", now=now)
        local = LocalPool(address, directory, pool)
        authorization_server = AuthorizationServer(pool, directory, now)
        hosted_ui = HostedUI(pool, directory, address, local.describe(), authorization_server, now)
        with serve_app(hosted_ui.build_app(), listener):
            yield local
