"""A protected API, its pool and a token endpoint, on loopback, with a clock that tests set."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import RedirectResponse

from fastapi_cognito_guard import CognitoGuard, CurrentUser
from fastapi_cognito_guard.client import ClientCredentials
from fastapi_cognito_guard.testing import LocalPool, local_pool
from fastapi_cognito_guard.testing.uvicorn_server import serve_app
from tests.apps import NOW


@dataclass
class Shop:
    """Protected API: the calls that it got, the tokens that it refuses, and the time."""

    address: str = ""
    local: LocalPool | None = None
    time: float = NOW
    calls: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    refuses_all: bool = False
    elsewhere: str = ""

    def now(self) -> float:
        return self.time

    @property
    def pool(self) -> LocalPool:
        assert self.local is not None
        return self.local

    @property
    def machine(self) -> ClientCredentials:
        return ClientCredentials(
            domain=self.pool.address, client_id="local-machine", client_secret="local-secret"
        )


def build_api(shop: Shop) -> FastAPI:
    app = FastAPI()
    CognitoGuard(shop.pool.user_pool(token_use={"access", "id"}), now=shop.now).install(app)

    @app.api_route("/jti", methods=["GET", "POST"])
    async def jti(user: CurrentUser, request: Request) -> dict[str, Any]:
        body = await request.body()
        shop.calls.append(user.claims["jti"])
        if shop.refuses_all or user.claims["jti"] in shop.refused:
            raise HTTPException(401)
        return {"jti": user.claims["jti"], "use": user.token_use, "body": body.decode()}

    @app.get("/forbidden")
    async def forbidden(user: CurrentUser) -> None:
        shop.calls.append(user.claims["jti"])
        raise HTTPException(403)

    @app.get("/elsewhere")
    async def elsewhere() -> RedirectResponse:
        return RedirectResponse(shop.elsewhere)

    return app


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    with local_pool(now=shop.now) as shop.local, serve_app(build_api(shop)) as shop.address:
        yield shop


@dataclass
class TokenEndpoint:
    """Token endpoint that always returns ``answer``, and records forms and headers of its requests."""

    address: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)


@pytest.fixture
def token_endpoint() -> Iterator[TokenEndpoint]:
    endpoint = TokenEndpoint()
    app = FastAPI()

    @app.post("/oauth2/token")
    async def token(request: Request) -> dict[str, Any]:
        endpoint.forms.append(dict(parse_qsl((await request.body()).decode())))
        endpoint.headers.append(request.headers)
        return endpoint.answer

    with serve_app(app) as endpoint.address:
        yield endpoint


def make_client(shop: Shop, auth: httpx.Auth) -> httpx.Client:
    return httpx.Client(base_url=shop.address, auth=auth, trust_env=False, timeout=10)


def make_async_client(shop: Shop, auth: httpx.Auth) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=shop.address, auth=auth, trust_env=False, timeout=10)


def make_source(kind: Any, **settings: Any) -> Any:
    secret = {"client_secret" if kind is ClientCredentials else "refresh_token": "s3cret"}
    return kind(**{"domain": "login.example.com", "client_id": "web", **secret, **settings})


class StuckProvider:
    """Token provider whose first calls do not return before `go`; each holds its thread and its loop."""

    def __init__(self, stuck: int) -> None:
        self.stuck = stuck
        self.calls = 0
        self.go = threading.Event()

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.stuck:
            self.go.wait(timeout=20)
        return "opaque"


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("fastapi_cognito_guard.client.keeper._GRACE", 0.1)
    before = {thread for thread in threading.enumerate() if thread.name == "cognito-token"}
    yield
    for thread in threading.enumerate():
        if thread.name == "cognito-token" and thread not in before:
            thread.join(timeout=10)
