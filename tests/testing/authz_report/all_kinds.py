"""An app with a route of each kind, and a request for each outcome that its routes can have."""

import contextlib
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Security, WebSocket
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    IamCaller,
    OptionalUser,
    Principal,
    current_user,
    lambda_handler,
    require,
    require_actor,
    require_claim,
    require_direct,
    require_group,
    require_level,
    require_pool,
    require_scope,
)
from fastapi_cognito_guard.principal import COGNITO_LEVELS
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, bearer, client_of, guard_for
from tests.testing.authz_report.recording import Outcome, list_outcomes, only_app, recording

POOL, OTHER = FakeUserPool(now=lambda: NOW), FakeUserPool("eu-west-1_OtherPool", now=lambda: NOW)
_, TWO, THREE, _ = COGNITO_LEVELS
ALLOWED, NO_TOKEN, NO_IAM = "allowed", "refused without a token", "refused without an IAM caller"
ANONYMOUS, REACHED = "allowed without a token", "reached"


def is_odd(user: Principal, number: int) -> bool:
    return number % 2 == 1


def is_small(user: Principal, number: int) -> bool:
    return number < 10


async def answer_all(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("here")(scope, receive, send)


def build_app() -> FastAPI:
    """Build an app with a route of each kind."""
    app = FastAPI()
    guard = CognitoGuard(POOL.user_pool(), OTHER.user_pool(), now=lambda: NOW)
    guard.install(app)

    def get(path: str, *requirements: Any) -> None:
        app.get(path, dependencies=list(map(Depends, requirements)))(lambda: "got")

    @app.api_route("/me", methods=["GET", "HEAD", "DELETE"])
    async def me(user: CurrentUser) -> str:
        return user.sub

    @app.get("/all-scopes")
    async def all_scopes(
        user: Annotated[Principal, Security(current_user, scopes=["a/1", "b/2"])],
    ) -> None: ...

    @app.get("/optional")
    async def optional(user: OptionalUser) -> None: ...

    @app.get("/iam")
    async def iam(caller: IamCaller) -> None: ...

    @app.websocket("/ws")
    async def ws(socket: WebSocket, user: CurrentUser) -> None:
        await socket.accept()
        await socket.close()

    get("/public")
    get("/claims", require_claim("custom:a", "x"), require_claim("custom:b", "x"))
    get("/levels", require_level(TWO), require_level(TWO, max_age=300))
    get("/delegated", require_actor("4b1agent"))
    get("/direct", require_direct())
    get("/pool", require_pool(POOL.id))
    get("/numbers/{number}", require(is_odd, name="fit"), require(is_small, name="fit"))
    router = APIRouter(prefix="/reports", dependencies=[Depends(require_scope("reports/read"))])
    router.get("/{id}", dependencies=[Depends(require_group("staff") | require_scope("reports/all"))])(
        lambda: "got"
    )
    app.include_router(router, prefix="/v1")
    inner = FastAPI()
    inner.get("/me", dependencies=[Depends(require_group("staff"))])(lambda: "got")
    inner.include_router(router)
    app.mount("/inner/{tenant}", inner)
    app.mount("/mcp", guard.protect(answer_all, require_scope("tools/call")))
    app.mount("/files", answer_all)
    return app


Act = Callable[[FastAPI], object]
"""A request to an app."""


def ask(path: str, method: str = "GET", headers: dict[str, str] | None = None) -> Act:
    """Return a request without a token, or with these headers."""
    return lambda app: client_of(app).request(method, path, headers=headers)


def ask_as(path: str, method: str = "GET", pool: FakeUserPool = POOL, **token: Any) -> Act:
    """Return a request with a token."""
    return lambda app: client_of(app).request(method, path, headers=bearer(pool.access_token(**token)))


def connect(headers: dict[str, str]) -> Act:
    def act(app: FastAPI) -> None:
        with (
            contextlib.suppress(WebSocketDisconnect),
            client_of(app).websocket_connect("/ws", headers=headers),
        ):
            pass

    return act


def ask_signed(user_arn: str | None) -> Act:
    event = POOL.event("http", None, path="/iam")
    if user_arn is not None:
        event["requestContext"]["authorizer"] = {"iam": {"userArn": user_arn}}
    return lambda app: lambda_handler(app)(event, None)


REPORTS = "refused by require_scope('reports/read')"
EITHER = "refused by require_group('staff') | require_scope('reports/all')"
BOTH = ["reports/read", "reports/all"]
OLD = {"auth_time": int(NOW) - 301}


def _list_simple() -> dict[Outcome, Act]:
    """Return how to exercise what has a token or none."""
    tokens: dict[str, dict[str, Any]] = {
        "/all-scopes": {"scopes": ["a/1", "b/2"]},
        "/claims": {"claims": {"custom:a": "x", "custom:b": "x"}},
        "/levels": {"level": THREE},
        "/delegated": {"actor": "4b1agent"},
        "/direct": {},
        "/pool": {},
    }
    allowed: dict[Outcome, Act] = {
        (f"GET {path}", ALLOWED): ask_as(path, **token) for path, token in tokens.items()
    }
    return allowed | {(f"GET {path}", NO_TOKEN): ask(path) for path in tokens}


ACTS: dict[Outcome, Act] = {
    **_list_simple(),
    ("GET /public", REACHED): ask("/public"),
    ("mount /files", REACHED): ask("/files/a.txt"),
    ("GET /me", ALLOWED): ask_as("/me", "HEAD"),
    ("GET /me", NO_TOKEN): ask("/me"),
    ("DELETE /me", ALLOWED): ask_as("/me", "DELETE"),
    ("DELETE /me", NO_TOKEN): ask("/me", "DELETE"),
    ("GET /optional", ALLOWED): ask_as("/optional"),
    ("GET /optional", ANONYMOUS): ask("/optional"),
    ("GET /iam", ALLOWED): ask_signed("arn:aws:iam::123456789012:user/ops"),
    ("GET /iam", NO_IAM): ask_signed(None),
    ("WebSocket /ws", ALLOWED): connect(bearer(POOL.access_token())),
    ("WebSocket /ws", NO_TOKEN): connect({}),
    ("GET /all-scopes", "refused by require_scope('a/1')"): ask_as("/all-scopes"),
    ("GET /all-scopes", "refused by require_scope('b/2')"): ask_as("/all-scopes", scopes=["a/1"]),
    ("GET /claims", "refused by require_claim('custom:a', 'x')"): ask_as("/claims", claims={"custom:b": "x"}),
    ("GET /claims", "refused by require_claim('custom:b', 'x')"): ask_as("/claims", claims={"custom:a": "x"}),
    ("GET /levels", f"refused by require_level('{TWO}')"): ask_as("/levels"),
    ("GET /levels", f"refused by require_level('{TWO}', max_age=300)"): ask_as(
        "/levels", level=TWO, claims=OLD
    ),
    ("GET /delegated", "refused by require_actor('4b1agent')"): ask_as("/delegated"),
    ("GET /direct", "refused by require_direct()"): ask_as("/direct", actor="4b1agent"),
    ("GET /pool", f"refused by require_pool('{POOL.id}')"): ask_as("/pool", pool=OTHER),
    ("GET /numbers/{number}", ALLOWED): ask_as("/numbers/1"),
    ("GET /numbers/{number}", NO_TOKEN): ask("/numbers/1"),
    ("GET /numbers/{number}", "refused by require(..., name='fit')"): ask_as("/numbers/2"),
    ("GET /numbers/{number}", "refused by require(..., name='fit') (2)"): ask_as("/numbers/11"),
    ("GET /inner/{tenant}/me", ALLOWED): ask_as("/inner/acme/me", groups=["staff"]),
    ("GET /inner/{tenant}/me", NO_TOKEN): ask("/inner/acme/me"),
    ("GET /inner/{tenant}/me", "refused by require_group('staff')"): ask_as("/inner/acme/me"),
    ("any method /mcp/{rest:path}", ALLOWED): ask_as("/mcp/x", scopes=["tools/call"]),
    ("any method /mcp/{rest:path}", NO_TOKEN): ask("/mcp/x", "POST"),
    ("any method /mcp/{rest:path}", "refused by require_scope('tools/call')"): ask_as("/mcp/"),
}
for _route, _path in (
    ("/v1/reports/{id}", "/v1/reports/7"),
    ("/inner/{tenant}/reports/{id}", "/inner/a/reports/7"),
):
    ACTS |= {
        (f"GET {_route}", ALLOWED): ask_as(_path, scopes=BOTH),
        (f"GET {_route}", NO_TOKEN): ask(_path),
        (f"GET {_route}", REPORTS): ask_as(_path, groups=["staff"]),
        (f"GET {_route}", EITHER): ask_as(_path, scopes=["reports/read"]),
    }


def exercised_by(app: FastAPI, *acts: Act) -> set[Outcome]:
    with recording() as tally:
        for act in acts:
            act(app)
    return list_outcomes(only_app(tally), exercised=True)


def guarded_app(**guard: Any) -> FastAPI:
    app = FastAPI()
    guard_for(POOL, **guard).install(app)
    return app


ADA = bearer(POOL.access_token("ada"))
