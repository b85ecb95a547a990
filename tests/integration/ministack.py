"""MiniStack, an AWS emulator: starting it, and creating user pools in it."""

import base64
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx

from tests.processes import find_port, stop

_START_TIMEOUT = 60.0
PASSWORD = "Passw0rd!for-tests"
REGION = "eu-west-1"


def find_program() -> str | None:
    """Return the path of MiniStack, or None. scripts/test installs it and sets the variable."""
    return os.environ.get("MINISTACK")


@contextmanager
def run_ministack(command: str, directory: Path) -> Iterator[str]:
    """Run MiniStack on a free port of 127.0.0.1, and yield its address once it is healthy."""
    port = find_port()
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": "123456789012",
    }
    unpacked = directory / "unpacked"  # for the functions that it unpacks and does not remove
    unpacked.mkdir()
    settings["TMPDIR"] = str(unpacked)
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with (directory / "ministack.log").open("wb") as log:
        process = subprocess.Popen(
            [command], cwd=directory, env=environ | settings, stdout=log, stderr=subprocess.STDOUT
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(address, process)
        yield address
    finally:
        stop(process)
        shutil.rmtree(unpacked, ignore_errors=True)


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    with httpx.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if client.get(f"{address}/_ministack/health").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
    raise RuntimeError("MiniStack did not become healthy.")


@dataclass(frozen=True)
class EmulatedPool:
    """User pool in MiniStack, with clients, a resource server, groups and users."""

    address: str
    id: str
    web: str
    other: str
    machine: str
    machine_secret: str
    cognito: Any

    @property
    def jwks_uri(self) -> str:
        return f"{self.address}/{self.id}/.well-known/jwks.json"

    def sign_in(self, username: str, client: str | None = None) -> dict[str, str]:
        """Return ``AccessToken``, ``IdToken`` and ``RefreshToken`` of a user."""
        result: dict[str, str] = self.cognito.admin_initiate_auth(
            UserPoolId=self.id,
            ClientId=client or self.web,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
        return result

    def request_machine_token(self, scope: str) -> str:
        """Return a token of the machine client, from the token endpoint."""
        basic = base64.b64encode(f"{self.machine}:{self.machine_secret}".encode()).decode()
        with httpx.Client(trust_env=False, timeout=10) as client:
            answer = client.post(
                f"{self.address}/oauth2/token",
                data={"grant_type": "client_credentials", "scope": scope},
                headers={"Authorization": f"Basic {basic}"},
            )
        token: str = answer.raise_for_status().json()["access_token"]
        return token


def create_pool(address: str, name: str) -> EmulatedPool:
    """Create a pool with ada (in ``admins`` and ``staff``), bob, and a machine with both order scopes."""
    cognito = make_client(address, "cognito-idp")
    pool = cognito.create_user_pool(PoolName=name)["UserPool"]["Id"]
    scopes = [{"ScopeName": name, "ScopeDescription": name} for name in ("read", "write")]
    cognito.create_resource_server(UserPoolId=pool, Identifier="orders", Name="orders", Scopes=scopes)
    web, other = (create_app_client(cognito, pool, name) for name in ("web", "other"))
    machine = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="machine",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthScopes=["orders/read", "orders/write"],
    )["UserPoolClient"]
    for group in ("admins", "staff"):
        cognito.create_group(UserPoolId=pool, GroupName=group)
    for username, groups in (("ada", ("admins", "staff")), ("bob", ())):
        create_user(cognito, pool, username, groups)
    return EmulatedPool(address, pool, web, other, machine["ClientId"], machine["ClientSecret"], cognito)


def make_client(address: str, name: str) -> Any:
    """Make a client of one of the emulated services."""
    return boto3.client(
        name,
        endpoint_url=address,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def create_app_client(cognito: Any, pool: str, name: str) -> str:
    """Create an app client for users, and return its id."""
    client: str = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName=name,
        ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    return client


def create_user(
    cognito: Any, pool: str, username: str, groups: tuple[str, ...], *, by_email: bool = False
) -> None:
    """Create a user with a password. ``by_email``: the user name is the email address."""
    email = f"{username}@example.com"
    username = email if by_email else username
    attributes = [
        {"Name": "email", "Value": email},
        {"Name": "email_verified", "Value": "true"},
    ]
    cognito.admin_create_user(
        UserPoolId=pool, Username=username, UserAttributes=attributes, MessageAction="SUPPRESS"
    )
    cognito.admin_set_user_password(UserPoolId=pool, Username=username, Password=PASSWORD, Permanent=True)
    for group in groups:
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=username, GroupName=group)
