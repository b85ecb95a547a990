"""The app as a Lambda function: Mangum with the right settings."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import finalize

from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_cognito_guard.errors import ConfigurationError

if TYPE_CHECKING:
    from fastapi import FastAPI

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def lambda_handler(app: "FastAPI", *, base_path: str | None = None, **mangum: Any) -> Handler:
    """Return the handler of a function behind a REST API, an HTTP API or a function URL.

    The stage becomes the app's ``root_path``, so that ``/docs`` and redirects work behind it.
    ``base_path`` names the base path of a custom domain, for example ``"/v1"``. Other arguments go to
    Mangum, except ``lifespan``: on Lambda it would run for every request and fetch the keys each time.

    Raises `ConfigurationError` for a malformed base path, and for ``lifespan``.
    """
    if mangum.keys() & {"lifespan", "api_gateway_base_path"}:
        raise ConfigurationError(
            "lambda_handler keeps the lifespan off and sets the base path itself: use base_path=, "
            'or write Mangum(app, lifespan="off", ...) yourself.'
        )
    if base_path is not None and (not base_path.startswith("/") or base_path.endswith("/")):
        raise ConfigurationError('base_path starts with a slash and does not end with one: "/v1".')
    return _Handler(_StageMiddleware(app, base_path), mangum)


class _Handler:
    """Mangum with an event loop of its own.

    Mangum uses the thread's current loop, and fails after any call of ``asyncio.run``, which removes it.
    """

    def __init__(self, app: ASGIApp, options: dict[str, Any]) -> None:
        from mangum import Mangum

        self._loop = asyncio.new_event_loop()
        finalize(self, self._loop.close)
        asyncio.set_event_loop(self._loop)
        asgi: Any = app  # Mangum's type wants a coroutine where Starlette's has an awaitable
        self._mangum = Mangum(asgi, lifespan="off", **options)

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        asyncio.set_event_loop(self._loop)
        return self._mangum(event, context)


class _StageMiddleware:
    """Sets ``root_path`` to the stage or the base path. By ASGI's rule ``path`` starts with ``root_path``."""

    def __init__(self, app: ASGIApp, base_path: str | None) -> None:
        self.app = app
        self.base_path = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root, in_path = _find_stage(scope["aws.event"], scope["path"])
        if self.base_path is not None and _is_under(scope["path"], self.base_path):
            root, in_path = self.base_path, True
        if root:
            scope = {**scope, "root_path": root, "path": scope["path"] if in_path else root + scope["path"]}
        await self.app(scope, receive, send)


def _find_stage(event: dict[str, Any], path: str) -> tuple[str, bool]:
    """Return the stage as a path, and True if ``path`` begins with it.

    The stage is empty if it is no part of the URL that the client called.
    """
    context = event.get("requestContext")
    context = context if isinstance(context, dict) else {}
    stage = f"/{context.get('stage')}"
    if context.get("path") == stage + str(event.get("path")):
        return stage, False  # REST API: the full path has the stage, the event's own path does not
    # HTTP API: the path has the stage. On a custom domain the same text belongs to the app's own path.
    on_default_domain = ".execute-api." in str(context.get("domainName"))
    has_stage = on_default_domain and stage != "/$default" and _is_under(path, stage)
    return (stage, True) if has_stage else ("", False)


def _is_under(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")
