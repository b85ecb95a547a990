"""Example app, deployed behind every kind of gateway and running standalone."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, get_args

import httpx
from botocore import auth, awsrequest, credentials

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard, UserPool
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.testing.uvicorn_server import serve_app
from tests.integration.calls import MOST_CALLS, send
from tests.integration.gateways import ACCOUNT, Account, Api
from tests.integration.ministack import REGION, EmulatedPool


class Keys(NamedTuple):
    """Access key that AWS Signature Version 4 signs with."""

    id: str
    secret: str
    session: str | None = None


Caller = str | Keys | None
"""A token, keys to sign with, or no credentials."""


@dataclass
class Deployed:
    """All gateways of the run, and the same app under uvicorn in each dialect."""

    account: Account
    apis: Mapping[str, Api]
    standalone: Mapping[Semantics, str]
    client: httpx.Client
    calls: int = field(default=0)

    def call(self, kind: str, method: str, path: str, caller: Caller = None) -> httpx.Response:
        """Send a request through the gateway. Fail if a run sends too many."""
        self.calls += 1
        assert self.calls <= MOST_CALLS
        return self._send(method, self.account.pool.address + self.apis[kind].base + path, caller)

    def call_standalone(self, semantics: Semantics, method: str, path: str, caller: Caller) -> httpx.Response:
        """Send the same request to the app under uvicorn."""
        return self._send(method, self.standalone[semantics] + path, caller)

    def _send(self, method: str, url: str, caller: Caller) -> httpx.Response:
        if isinstance(caller, Keys):
            return send(self.client, method, url, headers=_sign(method, url, caller))
        return send(self.client, method, url, caller)


@contextmanager
def deploy_everywhere(pool: EmulatedPool, task_root: Path) -> Iterator[Deployed]:
    """Deploy and start everything. It stops with the block and with MiniStack."""
    account = Account(pool, task_root)
    with ExitStack() as stack:
        standalone = {
            semantics: stack.enter_context(serve_app(create_app(make_guard(pool, semantics)), 0))
            for semantics in get_args(Semantics)
        }
        client = stack.enter_context(httpx.Client(trust_env=False, timeout=30))
        yield Deployed(account, _deploy(account), standalone, client)


def make_guard(pool: EmulatedPool, semantics: Semantics) -> CognitoGuard:
    """Make the guard that the deployed functions make from their environment."""
    settings = UserPool(pool.id, client_ids={pool.web, pool.machine}, jwks_uri=pool.jwks_uri)
    return CognitoGuard(settings, semantics=semantics)


def _deploy(account: Account) -> dict[str, Api]:
    apps = {
        semantics: account.create_function(
            f"orders-{semantics}", "example_app.main.handler", COGNITO_SEMANTICS=semantics
        )
        for semantics in get_args(Semantics)
    }
    authorized = account.create_function("orders-authorized", "functions.authorized.handler")
    signed = account.create_function("orders-signed", "functions.signed.handler")
    rest = account.create_authorizer("authorizer-rest", "functions.authorizer.rest")
    simple = account.create_authorizer("authorizer-http", "functions.authorizer.http_simple")
    apis = {
        "http-jwt": account.create_http_api(apps["http"], "JWT"),
        "http-lambda": account.create_http_api(authorized, "SIMPLE", simple),
        "http-iam": account.create_http_api(signed, "AWS_IAM"),
        "rest-cognito": account.create_rest_api(apps["rest"], "COGNITO_USER_POOLS"),
        "rest-token": account.create_rest_api(authorized, "TOKEN", rest),
        "rest-request": account.create_rest_api(authorized, "REQUEST", rest),
        "rest-iam": account.create_rest_api(signed, "AWS_IAM"),
        "function-url": account.create_function_url("orders-strict"),
        "function-url-echo": account.create_function_url("echo"),
    }
    account.add_payload_1_route(apis["http-jwt"], "/event-payload-1")
    return apis


def _sign(method: str, url: str, keys: Keys) -> dict[str, str]:
    request = awsrequest.AWSRequest(method, url)
    auth.SigV4Auth(credentials.Credentials(*keys), "execute-api", REGION).add_auth(request)
    return dict(request.headers)


def create_iam_user(account: Account) -> Keys:
    """Create an IAM user, and return its keys."""
    iam = account.make_service("iam")
    iam.create_user(UserName="robot")
    key = iam.create_access_key(UserName="robot")["AccessKey"]
    return Keys(key["AccessKeyId"], key["SecretAccessKey"])


def create_identity_pool_caller(account: Account, username: str) -> Keys:
    """Return the keys that an identity pool issues to a user of the user pool."""
    pool = account.pool
    provider = f"cognito-idp.{REGION}.amazonaws.com/{pool.id}"
    identities = account.make_service("cognito-identity")
    identity_pool = identities.create_identity_pool(
        IdentityPoolName="shop",
        AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[{"ProviderName": provider, "ClientId": pool.web}],
    )["IdentityPoolId"]
    identities.set_identity_pool_roles(
        IdentityPoolId=identity_pool, Roles={"authenticated": f"arn:aws:iam::{ACCOUNT}:role/Auth"}
    )
    logins = {provider: pool.sign_in(username)["IdToken"]}
    identity = identities.get_id(IdentityPoolId=identity_pool, Logins=logins)["IdentityId"]
    keys = identities.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
    return Keys(keys["AccessKeyId"], keys["SecretKey"], keys["SessionToken"])
