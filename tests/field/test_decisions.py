"""Decisions are recorded when the response starts, with the status that the client gets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware

from fastapi_cognito_guard import CurrentUser, Decision
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import bearer, client_of, guard_for

Decided = tuple[FastAPI, list[Decision]]


@pytest.fixture
def decided(pool: FakeUserPool) -> Decided:
    decisions: list[Decision] = []
    app = FastAPI()
    guard_for(pool, on_decision=decisions.append).install(app)
    return app, decisions


def facts(decisions: list[Decision]) -> list[tuple[str, str, int | None]]:
    return [(decision.outcome, decision.code, decision.status) for decision in decisions]


def test_a_stream_is_recorded_when_it_begins(pool: FakeUserPool, decided: Decided) -> None:
    app, decisions = decided
    seen: list[int] = []

    @app.get("/stream")
    async def stream(user: CurrentUser) -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            for _ in range(3):
                seen.append(len(decisions))
                yield "part"
                await asyncio.sleep(0)

        return StreamingResponse(parts(), status_code=206)

    assert client_of(app).get("/stream", headers=bearer(pool.access_token())).text == "part" * 3
    assert seen == [1, 1, 1]
    assert facts(decisions) == [("allowed", "allowed", 206)]


def test_an_allowed_request_has_the_status_of_its_response(pool: FakeUserPool, decided: Decided) -> None:
    app, decisions = decided

    @app.post("/orders", status_code=201)
    async def create(user: CurrentUser) -> None: ...

    async def owner_only(user: CurrentUser) -> None:
        raise HTTPException(403)

    @app.get("/mine", dependencies=[Depends(owner_only)])
    async def mine() -> None: ...

    @app.get("/number")
    async def number(user: CurrentUser, n: int) -> None: ...

    client, headers = client_of(app), bearer(pool.access_token())
    client.post("/orders", headers=headers)
    client.get("/mine", headers=headers)
    client.get("/number?n=x", headers=headers)
    assert facts(decisions) == [("allowed", "allowed", status) for status in (201, 403, 422)]


def test_a_handler_of_the_apps_own_tells_its_status(pool: FakeUserPool, decided: Decided) -> None:
    app, decisions = decided

    @app.exception_handler(AuthError)
    async def own(request: Request, error: AuthError) -> Response:
        return Response(status_code=404)

    @app.get("/me")
    async def me(user: CurrentUser) -> None: ...

    assert client_of(app).get("/me").status_code == 404
    assert facts(decisions) == [("refused", "token_missing", 404)]


def test_a_route_that_fails_before_its_response_has_no_status(pool: FakeUserPool, decided: Decided) -> None:
    app, decisions = decided

    @app.get("/broken")
    async def broken(user: CurrentUser) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        client_of(app).get("/broken", headers=bearer(pool.access_token()))
    assert facts(decisions) == [("allowed", "allowed", None)]


def test_an_accepted_websocket_is_101(pool: FakeUserPool, decided: Decided) -> None:
    app, decisions = decided

    @app.websocket("/ws")
    async def converse(websocket: WebSocket, user: CurrentUser) -> None:
        await websocket.accept()
        await websocket.close()

    with client_of(app).websocket_connect("/ws", headers=bearer(pool.access_token())):
        assert facts(decisions) == [("allowed", "allowed", 101)]


@pytest.mark.parametrize("inside", [False, True], ids=["added after install", "added before install"])
def test_a_base_http_middleware_around_changes_nothing(pool: FakeUserPool, inside: bool) -> None:
    decisions: list[Decision] = []
    app, guard = FastAPI(), guard_for(pool, on_decision=decisions.append)

    async def tag(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers["x-tag"] = "1"
        return response

    def add() -> None:
        app.add_middleware(BaseHTTPMiddleware, dispatch=tag)

    if inside:
        add()
    guard.install(app)
    if not inside:
        add()

    @app.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.sub

    client = client_of(app)
    for headers, status in ((bearer(pool.access_token()), 200), ({}, 401)):
        answer = client.get("/me", headers=headers)
        assert (answer.status_code, answer.headers["x-tag"]) == (status, "1")
    assert facts(decisions) == [("allowed", "allowed", 200), ("refused", "token_missing", 401)]


def test_the_decision_is_recorded_while_the_span_of_opentelemetry_is_current(pool: FakeUserPool) -> None:
    """With the real instrumentation, whose span ends with the response."""
    from opentelemetry import trace
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def set_attributes(decision: Decision) -> None:
        span = trace.get_current_span()
        span.set_attribute("cognito_guard.code", decision.code)
        span.set_attribute("cognito_guard.status", decision.status or 0)

    app = FastAPI()
    guard_for(pool, on_decision=set_attributes).install(app)

    @app.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.sub

    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    try:
        client = client_of(app)
        client.get("/me", headers=bearer(pool.access_token()))
        client.get("/me")
    finally:
        FastAPIInstrumentor.uninstrument_app(app)
    servers = [span for span in exporter.get_finished_spans() if span.kind is trace.SpanKind.SERVER]
    assert [
        (span.attributes["cognito_guard.code"], span.attributes["cognito_guard.status"])
        for span in servers
        if span.attributes is not None
    ] == [("allowed", 200), ("token_missing", 401)]


@pytest.mark.parametrize("deny_by_default", [True, False])
def test_a_handler_of_the_apps_own_gets_the_request(pool: FakeUserPool, deny_by_default: bool) -> None:
    """A plain function, which runs in a thread, as well as a coroutine that reads the body."""
    for is_async in (False, True):
        app = FastAPI()
        guard_for(pool, deny_by_default=deny_by_default).install(app)

        def handle(request: Request, error: AuthError) -> Response:
            return Response(f"{request.method} {request.url.path}", 418)

        async def handle_body(request: Request, error: AuthError) -> Response:
            return Response(await request.body(), 418)

        app.add_exception_handler(AuthError, handle_body if is_async else handle)  # type: ignore[arg-type]  # as users write it

        @app.post("/me")
        async def me(user: CurrentUser) -> None: ...

        answer = client_of(app).post("/me", content="sent")
        assert (answer.status_code, answer.text) == (418, "sent" if is_async else "POST /me")


def test_the_subprotocol_that_the_app_chooses_stays(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool, websocket_protocol="cognito-guard").install(app)

    @app.websocket("/ws")
    async def converse(websocket: WebSocket) -> None:
        await websocket.accept(subprotocol="graphql-ws")
        await websocket.close()

    offered = ["cognito-guard", pool.access_token(), "graphql-ws"]
    with client_of(app).websocket_connect("/ws", subprotocols=offered) as socket:
        assert socket.accepted_subprotocol == "graphql-ws"
