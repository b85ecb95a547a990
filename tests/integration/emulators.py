"""moto and cognito-local: starting them, pools in them, and the settings of docs/emulators.md."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.integration.ministack import PASSWORD, create_app_client, create_user, make_client
from tests.processes import find_port, run_server

PAGE = (Path(__file__).parents[2] / "docs/emulators.md").read_text()


@dataclass(frozen=True)
class Pool:
    """Pool with one app client, and ada, who is in the group admins."""

    address: str
    id: str
    client: str
    username: str
    cognito: Any

    def sign_in(self) -> dict[str, str]:
        """Return ``AccessToken``, ``IdToken`` and ``RefreshToken``."""
        result: dict[str, str] = self.cognito.admin_initiate_auth(
            UserPoolId=self.id,
            ClientId=self.client,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": self.username, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
        return result


def create_pool(address: str, *, by_email: bool) -> Pool:
    """Create a pool. ``by_email``: user names are email addresses."""
    cognito = make_client(address, "cognito-idp")
    pool = cognito.create_user_pool(PoolName="shop")["UserPool"]["Id"]
    client = create_app_client(cognito, pool, "web")
    cognito.create_group(UserPoolId=pool, GroupName="admins")
    create_user(cognito, pool, "ada", ("admins",), by_email=by_email)
    return Pool(address, pool, client, "ada@example.com" if by_email else "ada", cognito)


@contextmanager
def run_moto(python: str, directory: Path) -> Iterator[str]:
    """Run moto's server on a free port of 127.0.0.1, and yield its address."""
    port = find_port()
    command = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _run(command, directory, port, {}) as address:
        yield address


@contextmanager
def run_cognito_local(program: str, directory: Path, issuer: str | None = None) -> Iterator[str]:
    """Run cognito-local on a free port of 127.0.0.1. ``issuer``: the start of its tokens' ``iss``."""
    port = find_port()
    config = {} if issuer is None else {"TokenConfig": {"IssuerDomain": issuer}}
    (directory / ".cognito").mkdir()
    (directory / ".cognito/config.json").write_text(json.dumps(config))
    with _run([program], directory, port, {"HOST": "127.0.0.1", "PORT": str(port)}) as address:
        yield address


def read_recipe(title: str) -> dict[str, str]:
    """Return the environment variables below a heading of the page."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    block = section.split("```sh\n")[1].split("```")[0]
    return dict(line.removeprefix("export ").split("=", 1) for line in block.splitlines())


def read_compose_recipe() -> dict[str, str]:
    """Return the environment variables of the app in the compose file of the page."""
    compose = yaml.safe_load(PAGE.split("```yaml\n")[1].split("```")[0])
    environment: dict[str, str] = compose["services"]["api"]["environment"]
    return environment


def fill_in(recipe: Mapping[str, str], pool_id: str, client: str, port: str | int) -> dict[str, str]:
    """Replace the ids and the port of a recipe by those of a running pool. 0.0.0.0 is only compared."""
    own = recipe["COGNITO_USER_POOL_ID"]
    moved = {
        name: re.sub(r"//(localhost|127\.0\.0\.1):\d+", f"//127.0.0.1:{port}", value.replace(own, pool_id))
        for name, value in recipe.items()
    }
    moved = {name: re.sub(r"//cognito:\d+", f"//cognito:{port}", value) for name, value in moved.items()}
    return {**moved, "COGNITO_CLIENT_IDS": client}


@contextmanager
def _run(command: list[str], directory: Path, port: int, environ: Mapping[str, str]) -> Iterator[str]:
    own = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with run_server(command, directory, port, {**own, **environ}):
        yield f"http://127.0.0.1:{port}"
