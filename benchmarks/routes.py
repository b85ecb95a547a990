"""A protected route beside one of an app without a guard, both called in process as ASGI apps."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection
from starlette.types import Message, Scope

from benchmarks.report import Figure
from benchmarks.timing import Rounds, awaiting, interleave
from benchmarks.tokens import access_tokens
from fastapi_cognito_guard import CognitoGuard, CurrentUser
from fastapi_cognito_guard.testing import FakeUserPool

REMEMBERED = 64
FIRST_SEEN = 2048
"""In turn, and twice as many as a guard remembers: each is forgotten before it comes again."""
Route = Callable[..., Awaitable[dict[str, str]]]

_SUB = "2f1b6c1e-0f8a-5d57-9a34-2d6f1f6f1b11"


async def nothing(connection: HTTPConnection) -> None:
    """A dependency that only gets the request: what FastAPI itself takes for having one."""


async def open_route() -> dict[str, str]:
    """Asks for nobody."""
    return {"sub": _SUB}


async def idle_route(idle: Annotated[None, Depends(nothing)]) -> dict[str, str]:
    """Asks for nobody, but has a dependency."""
    return {"sub": _SUB}


async def guarded_route(user: CurrentUser) -> dict[str, str]:
    """Asks for the caller; its answer is as long as the others'."""
    return {"sub": user.sub}


def app_with(route: Route, guard: CognitoGuard | None = None) -> FastAPI:
    """An app of one route, at ``/me``."""
    app = FastAPI()
    if guard is not None:
        guard.install(app)
    app.get("/me", openapi_extra={"security": []})(route)  # where it asks for nobody, that is meant
    return app


def getting(app: FastAPI) -> Callable[[str], Awaitable[None]]:
    """A GET with a bearer token. Raises `AssertionError` for any answer but 200."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def get(token: str) -> None:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await app(_scope(token), receive, send)
        if sent[0]["status"] != 200:
            raise AssertionError(f"the app answered {sent[0]['status']}")

    return get


def _scope(token: str) -> Scope:
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
    """Protected against unprotected, with the same headers."""
    pool = FakeUserPool()
    many = access_tokens(pool, FIRST_SEEN)
    few, guards = many[:REMEMBERED], [CognitoGuard(pool.user_pool()) for _ in range(2)]
    took = interleave(
        {
            "no guard": awaiting(getting(app_with(open_route)), few),
            "idle dependency": awaiting(getting(app_with(idle_route)), few),
            "guard not asked": awaiting(getting(app_with(open_route, guards[0])), few),
            "first seen": awaiting(getting(app_with(guarded_route, guards[0])), many),
            "remembered": awaiting(getting(app_with(guarded_route, guards[1])), few),
        },
        rounds=rounds,
        calls=calls,
    )
    return _figures(took), took


def _figures(took: Rounds) -> list[Figure]:
    return [
        Figure(
            f"{title} / no guard, in process, throughput", took.ratio(name, "no guard").inverse(), least=least
        )
        for title, name, least in (
            ("protected route, first-seen tokens", "first seen", 0.38),
            ("protected route, remembered tokens", "remembered", 0.70),
            ("for comparison: an idle dependency", "idle dependency", None),
            ("for comparison: an open route of a guarded app", "guard not asked", None),
        )
    ]
