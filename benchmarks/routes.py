"""Throughput of a protected route, relative to an app without a guard. Both are called in process."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection
from starlette.types import Message, Scope

from benchmarks.bursts import Rounds, interleave, make_async_burst
from benchmarks.report import Figure
from benchmarks.tokens import make_access_tokens
from fastapi_cognito_guard import CognitoGuard, CurrentUser
from fastapi_cognito_guard.testing import FakeUserPool

REMEMBERED = 64
FIRST_SEEN = 2048
"""Twice as many as a guard caches. They are used in turn, so that each is evicted before it is used again."""
Route = Callable[..., Awaitable[dict[str, str]]]

_SUB = "2f1b6c1e-0f8a-5d57-9a34-2d6f1f6f1b11"


async def do_nothing(connection: HTTPConnection) -> None:
    """Idle dependency, which shows FastAPI's own cost of having one."""


async def open_route() -> dict[str, str]:
    """Serve everyone."""
    return {"sub": _SUB}


async def idle_route(idle: Annotated[None, Depends(do_nothing)]) -> dict[str, str]:
    """Serve everyone, with an idle dependency."""
    return {"sub": _SUB}


async def guarded_route(user: CurrentUser) -> dict[str, str]:
    """Require the caller. The answer has the same length as the others'."""
    return {"sub": user.sub}


def build_app(route: Route, guard: CognitoGuard | None = None) -> FastAPI:
    """Build an app with one route, ``/me``."""
    app = FastAPI()
    if guard is not None:
        guard.install(app)
    app.get("/me", openapi_extra={"security": []})(
        route
    )  # declares that the open routes are meant to be open
    return app


def make_get(app: FastAPI) -> Callable[[str], Awaitable[None]]:
    """Return a function that sends a GET with a token. It raises `AssertionError` unless it is 200."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def get(token: str) -> None:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await app(_build_scope(token), receive, send)
        if sent[0]["status"] != 200:
            raise AssertionError(f"the app answered {sent[0]['status']}")

    return get


def _build_scope(token: str) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "root_path": "",
        "method": "GET",
        "path": "/me",
        "raw_path": b"/me",
        "query_string": b"",
        "headers": [
            (b"host", b"127.0.0.1:8000"),
            (b"accept", b"*/*"),
            (b"authorization", b"Bearer " + token.encode()),
        ],
        "state": {},
    }


def measure(*, rounds: int, calls: int) -> tuple[list[Figure], Rounds]:
    """Measure protected and unprotected routes with the same headers."""
    pool = FakeUserPool()
    many = make_access_tokens(pool, FIRST_SEEN)
    few, guards = many[:REMEMBERED], [CognitoGuard(pool.user_pool()) for _ in range(2)]
    took = interleave(
        {
            "no guard": make_async_burst(make_get(build_app(open_route)), few),
            "idle dependency": make_async_burst(make_get(build_app(idle_route)), few),
            "open route": make_async_burst(make_get(build_app(open_route, guards[0])), few),
            "first seen": make_async_burst(make_get(build_app(guarded_route, guards[0])), many),
            "remembered": make_async_burst(make_get(build_app(guarded_route, guards[1])), few),
        },
        rounds=rounds,
        calls=calls,
    )
    return _build_figures(took), took


def _build_figures(took: Rounds) -> list[Figure]:
    return [
        Figure(
            f"{title} / no guard, in process, throughput",
            took.compute_ratio(name, "no guard").invert(),
            least=least,
        )
        for title, name, least in (
            ("protected route, first-seen tokens", "first seen", 0.40),
            ("protected route, remembered tokens", "remembered", 0.72),
            ("for comparison: an idle dependency", "idle dependency", None),
            ("for comparison: an open route of a guarded app", "open route", None),
        )
    ]
