"""An app behind API Gateway on this machine: an authorizer decides, and Mangum runs the app on an event.

The API has the app's own routes, each with its authorizer and its scopes. The gateway itself answers
requests for other paths, and those that its authorizers refuse.
"""

import logging
from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import cache
from re import Pattern
from threading import Lock
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_cognito_guard.app.routes import RouteInfo, list_opaque_mounts, list_routes
from fastapi_cognito_guard.deploy.lambda_function import LambdaFunction
from fastapi_cognito_guard.errors import AuthError, ConfigurationError
from fastapi_cognito_guard.guard import installed_guard
from fastapi_cognito_guard.responses import Refusal
from fastapi_cognito_guard.testing.gateway.authorizers import AUTHORIZERS, PlayedAuthorizer
from fastapi_cognito_guard.testing.gateway.events import FRONT_DOORS, Flavour, gateway_event
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from fastapi_cognito_guard.validation import escape_word

if TYPE_CHECKING:
    from fastapi import FastAPI

logger = logging.getLogger("fastapi_cognito_guard.testing")

_OPEN: tuple[Flavour, ...] = ("function-url", "alb")
_NOT_FOUND = {
    "rest": Refusal(
        status=403,
        body={"message": "Missing Authentication Token"},
        headers={"x-amzn-ErrorType": "MissingAuthenticationTokenException"},
    ),
    "http": Refusal(status=404, body={"message": "Not Found"}),
}


class Gateway:
    """An app behind a front door, as an ASGI app for any client or server.

    ``kind``     the front door: see `Flavour`. Behind ``"function-url"`` and ``"alb"``, which have no
                 authorizer, all requests reach the app
    ``stage``    by default ``prod`` for REST APIs; it is the first part of the path
    ``context``  returns a Lambda authorizer's context for the claims of a token; by default
                 ``{"cognito_claims": <as JSON>}``, which `lambda_claims` reads

    Raises `ConfigurationError` for an app without a guard, and for kinds that take no tokens.
    """

    def __init__(
        self,
        app: "FastAPI",
        *,
        kind: Flavour = "rest",
        stage: str | None = None,
        context: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
    ) -> None:
        if kind not in AUTHORIZERS and kind not in _OPEN:
            kinds = ", ".join((*AUTHORIZERS, *_OPEN))
            raise ConfigurationError(f"A gateway that takes tokens is one of {kinds}.", setting="kind")
        installed_guard(app)
        self.kind: Flavour = kind
        self.stage = stage or FRONT_DOORS[kind].stage
        self.app = app
        self._context = context
        self._watched = _WatchedApp(app)
        self._handler = LambdaFunction(self._watched, base_path=None, lifespan="off", options={})
        self._lock = Lock()

    @property
    def address(self) -> str:
        """Address that clients use."""
        return f"https://{FRONT_DOORS[self.kind].host}{self._root}"

    @property
    def _root(self) -> str:
        """First part of each path: the stage, on API Gateway's own domain."""
        return "" if self.stage == "$default" or self.kind in _OPEN else f"/{self.stage}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise ConfigurationError("REST and HTTP APIs have no WebSockets: test those standalone.")
        request = Request(scope, receive)
        body = await request.body()
        response, error = await self._answer(request, body)
        await response(scope, receive, send)
        if error is not None:
            raise error

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        """Run the app's startup and shutdown in the event loop of its function."""
        await receive()
        await run_in_threadpool(self._handler.start)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await run_in_threadpool(self._handler.stop)
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, request: Request, body: bytes) -> tuple[Response, Exception | None]:
        path = request.scope["path"].removeprefix(self._root) or "/"
        arguments: dict[str, Any] = {
            "method": request.method,
            "path": path,
            "query": _group_values(request.query_params),
            "headers": _group_values(request.headers),
            "body": _decode_body(body),
            "stage": self.stage,
        }
        if self.kind not in _OPEN:
            try:
                arguments |= await self._authorize(request, path)
            except _NoRoute:
                dialect = AUTHORIZERS[self.kind].dialect
                return _render_refusal(_NOT_FOUND[dialect]), None
            except AuthError as error:
                return self._refuse(request.method, path, error), None
        event = gateway_event(self.kind, **arguments)
        return await run_in_threadpool(self._invoke, event)

    async def _authorize(self, request: Request, path: str) -> dict[str, Any]:
        """Return the arguments of `gateway_event` that the route's authorizer adds: none without one."""
        if not request.scope["path"].startswith(self._root):
            raise _NoRoute
        route = self._find_route(request, path)
        authorizer = self._build_authorizer()
        if route is None or not authorizer.is_attached(route):
            return {}
        claims = unverified_claims(await authorizer.authorize(request.scope["headers"], route))
        context = self._context(claims) if self._context else None
        return {"claims": claims, "context": context, "scopes": route.scopes[0] if route.scopes else None}

    def _find_route(self, request: Request, path: str) -> RouteInfo | None:
        """Return the route for a request, or None for one without an authorizer. Raises `_NoRoute`."""
        fitting = [route for route in list_routes(self.app) if _compile_path(route.path).match(path)]
        preflight = request.method == "OPTIONS" and "access-control-request-method" in request.headers
        for route in fitting:
            if not route.websocket and (not route.methods or request.method in route.methods):
                return route
        if (fitting and preflight) or any(
            path.startswith(f"{each.path}/") for each in list_opaque_mounts(self.app)
        ):
            return None
        raise _NoRoute

    def _refuse(self, method: str, path: str, error: AuthError) -> Response:
        refusal = self._build_authorizer().refusal(error)
        is_remapped = (refusal.status, error.status) == (401, 403)
        logger.warning(
            "%s %s refused with %s by the gateway: %s: %s%s",
            escape_word(method),
            escape_word(path),
            refusal.status,
            error.code,
            error.reason,
            " A REST API answers 401 where the app says 403." if is_remapped else "",
        )
        return _render_refusal(refusal)

    def _build_authorizer(self) -> PlayedAuthorizer:
        return AUTHORIZERS[self.kind].build(installed_guard(self.app))

    def _invoke(self, event: dict[str, Any]) -> tuple[Response, Exception | None]:
        with self._lock:  # a function instance serves one request at a time
            self._watched.error = None
            answer = self._handler(event, None)
            is_rest = self.kind in AUTHORIZERS and AUTHORIZERS[self.kind].dialect == "rest"
            return _build_response(answer, remap=is_rest), self._watched.error


class _NoRoute(Exception):
    """The API has no route for the request."""


class _WatchedApp:
    """App whose last exception is kept. Mangum makes a 500 of it, and test clients raise it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.error: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            self.error = error
            raise


@cache
def _compile_path(path: str) -> Pattern[str]:
    return compile_path(path)[0]


def _group_values(values: Headers | QueryParams) -> dict[str, list[str]]:
    pairs = values.items() if isinstance(values, Headers) else values.multi_items()
    several: dict[str, list[str]] = {}
    for name, value in pairs:
        several.setdefault(name, []).append(value)
    return several


def _decode_body(body: bytes) -> str | bytes | None:
    try:
        return body.decode() or None
    except UnicodeDecodeError:
        return body


def _render_refusal(refusal: Refusal) -> Response:
    return Response(refusal.content, refusal.status, dict(refusal.headers), media_type="application/json")


def _build_response(answer: Mapping[str, Any], *, remap: bool) -> Response:
    """Build the client's response from the function's. A REST API renames ``WWW-Authenticate``."""
    body = answer.get("body") or ""
    response = Response(b64decode(body) if answer.get("isBase64Encoded") else body, answer["statusCode"])
    single = {name: [value] for name, value in (answer.get("headers") or {}).items()}
    several = single | (answer.get("multiValueHeaders") or {})
    if answer.get("cookies"):  # payload 2.0
        several["set-cookie"] = answer["cookies"]
    for name, values in several.items():
        shown = "x-amzn-Remapped-www-authenticate" if remap and name.lower() == "www-authenticate" else name
        for value in values if name.lower() != "content-length" else ():
            response.headers.append(shown, value)
    return response
