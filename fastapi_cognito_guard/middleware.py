"""The guard's place in the app: in every request's scope, and where refusals become responses."""

import logging
from collections.abc import Collection
from inspect import iscoroutinefunction
from typing import Protocol, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketState

from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.responses import Refusal

GUARD = "fastapi_cognito_guard"
"""The key in an ASGI scope under which routes find their guard."""

_MAX_LOGGED = 200  # characters of a path
logger = logging.getLogger("fastapi_cognito_guard")


class Guard(Protocol):
    """What the middleware needs of a guard."""

    deny_by_default: bool
    public: frozenset[str]

    async def identify(self, connection: HTTPConnection) -> Principal: ...

    def refusal(self, error: AuthError) -> Refusal: ...


class GuardMiddleware:
    """Puts the guard into the scope; with ``deny_by_default`` it also refuses before routing."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self.app = app
        self.guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        scope[GUARD] = self.guard
        if self.guard.deny_by_default and not self._is_open(scope):
            is_websocket = scope["type"] == "websocket"
            connection = WebSocket(scope, receive, send) if is_websocket else HTTPConnection(scope)
            try:
                await self.guard.identify(connection)
            except AuthError as error:
                response = await _answer(connection, error)
                if response is not None:
                    await response(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        return _is_preflight(scope) or is_public(_path_within_app(scope), self.guard.public)


async def refuse(connection: HTTPConnection, error: Exception) -> Response | None:
    """The exception handler for `AuthError`: one log record, and the answer in the guard's dialect."""
    if not isinstance(error, AuthError):
        raise error
    refusal = connection.scope[GUARD].refusal(error)
    # The path is the client's own text: escaped, it cannot end the line or forge another.
    method, path = connection.scope.get("method", "WebSocket"), connection.scope["path"][:_MAX_LOGGED]
    logger.warning("%a %a refused with %s: %s: %s", method, path, refusal.status, error.code, error.reason)
    if isinstance(connection, WebSocket) and not _can_deny(connection):
        await connection.close(1008, reason=error.message)
        return None
    return Response(
        refusal.content,
        status_code=refusal.status,
        headers=dict(refusal.headers),
        media_type="application/json",
    )


async def _answer(connection: HTTPConnection, error: AuthError) -> Response | None:
    """What the app's own handler makes of it, as it would for a refusal from a route."""
    handlers = connection.scope["app"].exception_handlers if "app" in connection.scope else {}
    handler = next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), refuse)
    if iscoroutinefunction(handler):
        answer = await handler(connection, error)
    else:
        answer = await run_in_threadpool(handler, connection, error)
    return cast("Response | None", answer)


def is_public(path: str, public: Collection[str]) -> bool:
    """Whether ``path`` is listed: as it is, or under an entry that ends in ``/*``.

    Nothing is decoded or normalised, so no second spelling of a path opens anything.
    """
    if path in public:
        return True
    if ".." in path or "//" in path or "\\" in path:
        return False
    return any(entry.endswith("/*") and path.startswith(entry[:-1]) for entry in public)


def _is_preflight(scope: Scope) -> bool:
    """Fetch standard, CORS-preflight request: OPTIONS with both of these headers."""
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    names = {name for name, _ in scope["headers"]}
    return {b"origin", b"access-control-request-method"} <= names


def _path_within_app(scope: Scope) -> str:
    """The path below ``root_path``. Never ``request.url``, which a Host header can poison."""
    path: str = scope["path"]
    if "%" in path or b"%" in (scope.get("raw_path") or b""):
        return ""  # an escape could be an encoded slash or dot: such a path is on no list
    # To the letter as Starlette's router does it, or the two would speak of different paths.
    root = scope.get("root_path", "")
    if not root or not path.startswith(root):
        return path
    rest = path[len(root) :]
    return rest if not rest or rest.startswith("/") else path


def _can_deny(websocket: WebSocket) -> bool:
    """Whether a refusal can still be a real HTTP response (ASGI's denial extension)."""
    return (
        websocket.application_state is WebSocketState.CONNECTING
        and "websocket.http.response" in websocket.scope.get("extensions", {})
    )
