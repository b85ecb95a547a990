"""`TokenExchange` from end to end: a shop exchanges its caller's token, and calls another service with it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import JSONResponse

from fastapi_cognito_guard import CognitoGuard, CurrentUser, OptionalUser, lambda_handler
from fastapi_cognito_guard.client import ClientCredentials, TokenExchange
from fastapi_cognito_guard.errors import ConfigurationError, TokenRequestFailed
from fastapi_cognito_guard.testing import (
    Directory,
    FakeUserPool,
    Flavour,
    LocalClient,
    LocalPool,
    as_user,
    local_pool,
)
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from fastapi_cognito_guard.testing.uvicorn_server import serve_app
from tests.apps import NOW, bearer, client_of

RESOURCE = "https://orders.example.com"
DIRECTORY = Directory(
    clients=(
        *Directory().clients,
        LocalClient(
            id="shop", secret="s3cret", scopes=("orders/read", "orders/write"), token_exchange=("delegation",)
        ),
        LocalClient(id="quiet", secret="s3cret", scopes=("orders/read",), token_exchange=("impersonation",)),
    )
)


@dataclass
class Clock:
    """Clock that tests set."""

    time: float = NOW

    def __call__(self) -> float:
        return self.time


@dataclass
class World:
    """Pool, shop and orders service on loopback, and what the service has seen."""

    local: LocalPool
    now: Clock
    shop: str = ""
    orders: str = ""
    seen: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def token(self, username: str = "ada", **fields: Any) -> str:
        return self.local.pool.access_token(username, **{"scopes": ["openid", "orders/read"], **fields})

    def exchange(self, client_id: str = "shop", **changes: Any) -> TokenExchange:
        credentials = {"domain": self.local.address, "client_id": client_id, "client_secret": "s3cret"}
        settings: dict[str, Any] = {
            **credentials,
            "scopes": ["orders/read"],
            "resource": RESOURCE,
            "actor": ClientCredentials(**credentials),
            "origins": self.orders,
            "now": self.now,
        }
        return TokenExchange(**{**settings, **changes})


def build_orders(world: World) -> FastAPI:
    app = FastAPI()
    CognitoGuard(world.local.user_pool(resource=RESOURCE), now=world.now).install(app)

    @app.get("/orders")
    async def orders(user: CurrentUser) -> dict[str, Any]:
        jti = user.claims["jti"]
        world.seen.append(jti)
        if jti in world.refused:
            raise HTTPException(401)
        actors = [] if user.actor is None else [actor.sub for actor in user.actor.chain]
        return {"user": user.username, "actors": actors, "scopes": sorted(user.scopes), "jti": jti}

    return app


def build_shop(world: World, exchange: TokenExchange) -> FastAPI:
    app = FastAPI()
    guard = CognitoGuard(world.local.user_pool(), now=world.now, websocket_protocol="cognito-guard")
    guard.install(app)

    @app.get("/async")
    async def call(user: CurrentUser, request: Request) -> Any:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{world.orders}/orders", auth=exchange.for_request(request))
        return answer.raise_for_status().json()

    @app.get("/sync")
    def call_sync(user: CurrentUser, request: Request) -> Any:
        with httpx.Client(trust_env=False) as client:
            answer = client.get(f"{world.orders}/orders", auth=exchange.for_request(request))
        return answer.raise_for_status().json()

    @app.websocket("/live")
    async def live(socket: WebSocket, user: CurrentUser) -> None:
        auth = exchange.for_request(socket)
        await socket.accept()
        async with httpx.AsyncClient(auth=auth, trust_env=False) as client:
            await socket.send_json((await client.get(f"{world.orders}/orders")).json())

    @app.exception_handler(TokenRequestFailed)
    async def answer_without_a_token(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({}, 502)

    @app.get("/open")
    async def without_a_caller(user: OptionalUser, request: Request) -> None:
        exchange.for_request(request)

    return app


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def local(clock: Clock) -> Iterator[LocalPool]:
    with local_pool(DIRECTORY, now=clock) as local:
        yield local


@pytest.fixture
def world(local: LocalPool, clock: Clock) -> Iterator[World]:
    clock.time = NOW
    world = World(local, clock)
    with serve_app(build_orders(world)) as world.orders:
        yield world


@pytest.fixture
def shop(world: World) -> Iterator[httpx.Client]:
    app = build_shop(world, world.exchange())
    with serve_app(app) as address, httpx.Client(base_url=address, trust_env=False, timeout=20) as client:
        yield client


def call_orders(world: World, auth: httpx.Auth) -> httpx.Response:
    with httpx.Client(auth=auth, trust_env=False, timeout=20) as client:
        return client.get(f"{world.orders}/orders")


@pytest.mark.parametrize("path", ["/async", "/sync"])
def test_the_second_service_sees_the_user_and_the_actor(world: World, shop: httpx.Client, path: str) -> None:
    answers = [shop.get(path, headers=bearer(world.token(name))).json() for name in ("ada", "bob")]
    assert [(a["user"], a["actors"], a["scopes"]) for a in answers] == [
        ("ada", ["shop"], ["orders/read"]),
        ("bob", ["shop"], ["orders/read"]),
    ]


def test_a_callers_token_is_exchanged_once(world: World, shop: httpx.Client) -> None:
    token = world.token()
    first, again = (shop.get("/async", headers=bearer(token)).json()["jti"] for _ in range(2))
    assert first == again
    assert shop.get("/async", headers=bearer(world.token())).json()["jti"] != first


def test_the_callers_own_token_does_not_open_the_second_service(world: World) -> None:
    with httpx.Client(trust_env=False) as client:
        assert client.get(f"{world.orders}/orders", headers=bearer(world.token())).status_code == 401


def test_without_an_actor_the_new_token_looks_like_the_users_own(world: World) -> None:
    exchange = world.exchange("quiet", actor=None)
    answer = call_orders(world, exchange.for_subject(world.token())).json()
    assert (answer["user"], answer["actors"]) == ("ada", [])


def test_a_token_that_was_exchanged_twice_names_both_actors(world: World) -> None:
    first = world.local.pool.exchange(
        world.token(), world.local.pool.machine_token(client_id="web"), scopes=["orders/read"]
    )
    assert call_orders(world, world.exchange().for_subject(first)).json()["actors"] == ["shop", "web"]


def test_the_caller_of_a_websocket_may_send_the_token_among_the_subprotocols(world: World) -> None:
    client = client_of(build_shop(world, world.exchange()))
    with client.websocket_connect("/live", subprotocols=["cognito-guard", world.token()]) as live:
        assert live.receive_json()["user"] == "ada"


def test_many_threads_of_one_caller_make_one_exchange(world: World) -> None:
    exchange, token, together = world.exchange(), world.token(), threading.Barrier(8)

    def call() -> str:
        together.wait(timeout=10)
        return str(call_orders(world, exchange.for_subject(token)).json()["jti"])

    with ThreadPoolExecutor(8) as threads:
        jtis = {future.result() for future in [threads.submit(call) for _ in range(8)]}
    assert len(jtis) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_an_exchange_waits_under_asyncio_and_trio(world: World) -> None:
    auth = world.exchange().for_subject(world.token())
    async with httpx.AsyncClient(auth=auth, trust_env=False, timeout=20) as client:
        assert (await client.get(f"{world.orders}/orders")).json()["actors"] == ["shop"]


@pytest.mark.anyio
async def test_a_cancelled_request_does_not_end_the_exchange_of_the_others(world: World) -> None:
    started, go = threading.Event(), threading.Event()

    def actor() -> str:
        started.set()
        go.wait(timeout=10)
        return world.local.pool.machine_token(client_id="shop")

    auth = world.exchange(actor=actor).for_subject(world.token())
    async with httpx.AsyncClient(auth=auth, trust_env=False, timeout=20) as client:
        tasks = [asyncio.create_task(client.get(f"{world.orders}/orders")) for _ in range(3)]
        assert await asyncio.to_thread(started.wait, 10)
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        go.set()
        answers = await asyncio.gather(*tasks[1:])
    assert [answer.json()["actors"] for answer in answers] == [["shop"], ["shop"]]


def test_an_exchanged_token_is_not_used_longer_than_the_callers_lives(world: World) -> None:
    exchange, token = world.exchange(), world.token(expires_in=100)
    first = call_orders(world, exchange.for_subject(token)).json()["jti"]
    world.now.time = NOW + 49
    assert call_orders(world, exchange.for_subject(token)).json()["jti"] == first
    world.now.time = NOW + 50
    assert call_orders(world, exchange.for_subject(token)).json()["jti"] != first
    world.now.time = NOW + 100
    with pytest.raises(TokenRequestFailed, match="has expired"):
        call_orders(world, exchange.for_subject(token))


def test_after_a_401_the_token_is_exchanged_once_more(world: World) -> None:
    auth = world.exchange().for_subject(world.token())
    first = call_orders(world, auth).json()["jti"]
    world.refused.add(first)
    second = call_orders(world, auth).json()["jti"]
    assert world.seen == [first, first, second]
    world.refused.add(second)
    assert call_orders(world, auth).status_code == 401  # it replaced a refused one just now
    assert len(world.seen) == 4


def test_exchanged_tokens_go_to_the_services_origin_only(world: World) -> None:
    auth = world.exchange(origins=RESOURCE).for_subject(world.token())
    with pytest.raises(ConfigurationError, match="origins"):
        call_orders(world, auth)


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_behind_a_gateway_only_the_callers_own_token_is_exchanged(world: World, kind: Flavour) -> None:
    """A request can carry another token than the one that the gateway's authorizer has read."""
    app = build_shop(world, world.exchange())
    handler = lambda_handler(app)
    own = world.token("ada")
    forged = world.local.pool.sign({**unverified_claims(own), "jti": "another"})
    tampered = own[:-9] + ("A" if own[-9] != "A" else "B") + own[-8:]  # the pool refuses it
    event = world.local.pool.event(kind, own, path="/sync")
    tokens = {"own": own, "bob": world.token("bob"), "forged": forged, "junk": "junk", "tampered": tampered}
    answers = {}
    for name, sent in tokens.items():
        changed = json.loads(json.dumps(event).replace(own, sent))
        answers[name] = handler(changed, None)
    assert {name: answer["statusCode"] for name, answer in answers.items()} == {
        "own": 200,
        "bob": 401,
        "forged": 401,
        "junk": 401,
        "tampered": 502,
    }
    assert json.loads(answers["own"]["body"])["user"] == "ada"
    assert len(world.seen) == 1


def test_a_request_without_a_caller_is_401(world: World, shop: httpx.Client) -> None:
    assert shop.get("/open").status_code == 401
    assert shop.get("/async", headers=bearer("junk")).status_code == 401
    assert world.seen == []


def test_a_user_without_a_token_is_refused_and_not_an_error(world: World) -> None:
    app = build_shop(world, world.exchange())
    with as_user(app), serve_app(app) as address, httpx.Client(base_url=address, trust_env=False) as client:
        assert client.get("/async").status_code == 401
        assert client.get("/async", headers=bearer(world.token("bob"))).status_code == 401
    assert world.seen == []


def test_a_request_to_an_app_without_a_guard_is_a_configuration_error(world: World) -> None:
    with pytest.raises(ConfigurationError, match="no guard"):
        world.exchange().for_request(Request({"type": "http", "headers": []}))


@pytest.mark.parametrize("token", ["", "junk", "a.b.c", None, 5, b"x"], ids=repr)
def test_a_subject_that_is_no_token_of_cognito_is_refused_before_it_is_sent(world: World, token: Any) -> None:
    with pytest.raises(TokenRequestFailed, match="no token of Cognito"):
        world.exchange().for_subject(token)


def test_a_strangers_token_is_refused_with_advice(world: World) -> None:
    stranger = FakeUserPool(world.local.pool.id, issuer=world.local.pool.issuer, now=world.now)
    with pytest.raises(TokenRequestFailed, match="none that the pool exchanges") as failed:
        call_orders(world, world.exchange().for_subject(stranger.access_token(scopes=["orders/read"])))
    assert (failed.value.status, failed.value.error) == (400, "invalid_request")
