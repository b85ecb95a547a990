"""The guard's middleware, and the handler that turns refusals into responses."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketState

from fastapi_cognito_guard.errors import AuthError, GatewayClaimsMissing, TokenMissing
from fastapi_cognito_guard.request_state import STATE, Guard, RequestState

_RESPONSE_STARTS = ("http.response.start", "websocket.http.response.start")


class GuardMiddleware:
    """Puts a `RequestState` into each scope. With ``deny_by_default`` it also refuses before routing."""

    def __init__(
        self, app: ASGIApp, guard: Guard, answers_preflight: Callable[[Scope], bool] = lambda scope: False
    ) -> None:
        """``answers_preflight``: True for a CORS preflight that the app answers without a caller."""
        self.app = app
        self.guard = guard
        self._answers_preflight = answers_preflight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        state, send = self._start_recording(scope, send)
        if self.guard.deny_by_default and not self._is_open(scope):
            error = await self._find_error(HTTPConnection(scope))
            if error is not None:
                state.error = error
                try:
                    await answer(error, scope, receive, send)
                finally:
                    self.guard.record_outcome(state, scope, None)
                return
        try:
            await self.app(scope, receive, send)
        finally:
            self.guard.record_outcome(state, scope, None)  # unless a response was started

    async def _find_error(self, connection: HTTPConnection) -> AuthError | None:
        try:
            await self.guard.identify(connection)
        except (TokenMissing, GatewayClaimsMissing) as error:
            # A caller who signed with AWS credentials is identified, too. A guest may be anybody.
            caller = self.guard.iam_identity(connection)
            return error if caller is None or caller.is_guest else None
        except AuthError as error:
            return error
        return None

    def _is_open(self, scope: Scope) -> bool:
        return is_public(_path_within_app(scope), self.guard.public) or self._answers_preflight(scope)

    def _start_recording(self, scope: Scope, send: Send) -> tuple[RequestState, Send]:
        """Put a new state into the scope, and wrap ``send`` so that it records the decision.

        That happens when the response starts, or when a WebSocket is accepted. A WebSocket that offered the
        guard's subprotocol gets it confirmed, unless the app names another.
        """
        app, root_path = scope.get("app"), scope.get("root_path", "")
        state = scope[STATE] = RequestState(self.guard, app, root_path, outer=scope.get(STATE))

        async def recording_send(message: Message) -> None:
            if message["type"] in _RESPONSE_STARTS:
                self.guard.record_outcome(state, scope, message["status"])
            elif message["type"] == "websocket.accept":
                self.guard.record_outcome(state, scope, 101)
                message = _confirm_protocol(message, self.guard.websocket_protocol, scope)
            await send(message)

        return state, recording_send


def find_guard(app: Starlette) -> Guard | None:
    """Return the guard whose middleware ``app`` has, or None."""
    for entry in app.user_middleware:
        middleware: object = entry.cls
        if middleware is GuardMiddleware:
            guard: Any = entry.kwargs["guard"]
            return cast(Guard, guard)
    return None


async def refuse(connection: HTTPConnection, error: Exception) -> Response | None:
    """Handle an `AuthError`: log one record, and answer in the guard's dialect."""
    if not isinstance(error, AuthError):
        raise error
    state = connection.scope[STATE]
    refusal = state.guard.refusal(error, root_path=state.root_path)
    state.guard.record_refusal(state, connection.scope, error, refusal.status)
    if isinstance(connection, WebSocket) and not _can_deny(connection):
        await connection.close(1008, reason=error.message)
        return None
    return Response(
        refusal.content,
        status_code=refusal.status,
        headers=dict(refusal.headers),
        media_type="application/json",
    )


async def answer(error: AuthError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer through the app's own handlers, as for an error that a route raises."""

    async def raise_error(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    app = scope[STATE].app
    own: Mapping[Any, Any] = getattr(app, "exception_handlers", {})
    # The handlers of 500 and Exception belong to the outermost middleware.
    handled = {key: handler for key, handler in own.items() if key not in (500, Exception)}
    handlers = {**handled, **refusal_handlers(app)}
    # Twice, as around a route: a handler may itself raise an error that has a handler.
    inner = ExceptionMiddleware(raise_error, handlers)
    await ExceptionMiddleware(inner, handlers)(scope, receive, send)


def refusal_handlers(app: object) -> dict[Any, Any]:
    """Return the handlers of an app for refusals: its own, or `refuse`."""
    own: Mapping[Any, Any] = getattr(app, "exception_handlers", {})
    found = {kind: own[kind] for kind in own if isinstance(kind, type) and issubclass(kind, AuthError)}
    return {AuthError: refuse, **found}


def is_public(path: str, public: Collection[str]) -> bool:
    """Return True if ``path`` is listed exactly, or under an entry that ends in ``/*``.

    Nothing is decoded or normalised, so that no other spelling of a path is public.
    """
    if path in public:
        return True
    if ".." in path or "//" in path or "\\" in path:
        return False
    return any(entry.endswith("/*") and path.startswith(entry[:-1]) for entry in public)


def _confirm_protocol(accept: Message, protocol: str | None, scope: Scope) -> Message:
    """Accept with ``protocol`` if the client offered it and the app names none, or the token after it."""
    offered = scope.get("subprotocols", ())
    if protocol not in offered:
        return accept
    token = offered[offered.index(protocol) + 1 :][:1]
    named = accept.get("subprotocol")
    return {**accept, "subprotocol": protocol if named is None or named in token else named}


def _path_within_app(scope: Scope) -> str:
    """Return the path below ``root_path``. ``request.url`` is never used: a Host header can poison it."""
    path: str = scope["path"]
    if _has_escapes(scope):
        return ""  # an escape could be an encoded slash or dot: no list has such a path
    # Exactly as Starlette's router does it, or guard and router would see different paths.
    root = scope.get("root_path", "")
    if not root or not path.startswith(root):
        return path
    rest = path[len(root) :]
    return rest if not rest or rest.startswith("/") else path


def _has_escapes(scope: Scope) -> bool:
    """Return True if the path was sent with an escape, as far as the server or the gateway shows it."""
    raw_path = scope.get("raw_path")
    event = scope.get("aws.event")
    sent = [scope["path"], (raw_path or b"").decode("latin-1")]
    if raw_path is None and isinstance(event, dict):  # from Mangum, without our `lambda_handler`
        sent += [event.get("path"), event.get("rawPath")]
    return any("%" in path for path in sent if isinstance(path, str))


def _can_deny(websocket: WebSocket) -> bool:
    """Return True if a refusal can still be an HTTP response (ASGI's denial extension)."""
    return (
        websocket.application_state is WebSocketState.CONNECTING
        and "websocket.http.response" in websocket.scope.get("extensions", {})
    )
