"""Parts of an app that answer with bytes, which Mangum passes to the gateway as base64."""

import re
from collections.abc import Collection, Iterator, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any

from fastapi.routing import iter_route_contexts
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles

from fastapi_cognito_guard.app.routes import find_route, list_mounted_apps
from fastapi_cognito_guard.middleware import is_public

if TYPE_CHECKING:
    from fastapi import FastAPI

_COMPRESSES = re.compile("gzip|brotli|zstd|deflate|compress", re.IGNORECASE)
_NO_BODY = (204, 304)
_DOCS_ASSETS = "swagger_ui_assets"  # the guard's own mount, where only an icon is no text


def list_byte_answers(app: "FastAPI", leave_out: Collection[str]) -> Iterator[str]:
    """List middleware that compresses, mounts of files, and routes whose class of response is not text."""
    for each in dict.fromkeys([app, *(inner for _, inner in list_mounted_apps(app))]):
        yield from _list_compressing_middleware(each)
    yield from (text for path, text in _walk_routes(app.routes) if not is_public(path, leave_out))


def _list_compressing_middleware(app: Starlette) -> Iterator[str]:
    for entry in app.user_middleware:
        name = getattr(entry.cls, "__name__", type(entry.cls).__name__)
        if _COMPRESSES.search(name):
            yield name


def _walk_routes(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """List paths, and their routes as texts."""
    for context in iter_route_contexts(routes):
        route = find_route(context)
        path = prefix + (getattr(route, "path_format", None) or getattr(route, "path", None) or "")
        mount = path.removesuffix("/{path}")
        if isinstance(getattr(route, "app", None), StaticFiles):
            if getattr(route, "name", None) != _DOCS_ASSETS:
                yield mount, f"mount {mount}"
        elif getattr(route, "routes", None):
            yield from _walk_routes(route.routes, mount)
        elif _has_byte_answer(route):
            methods = " ".join(sorted((getattr(route, "methods", None) or {"GET"}) - {"HEAD"}))
            yield path, f"{methods} {path}"


def _has_byte_answer(route: Any) -> bool:
    """Return True if the class of the route's response is no text."""
    if getattr(route, "status_code", None) in _NO_BODY:
        return False
    given = getattr(route, "response_class", None)
    kinds = [_read_annotation(route), getattr(given, "value", given)]  # a default is wrapped
    return any(isinstance(kind, type) and issubclass(kind, Response) and _is_bytes(kind) for kind in kinds)


def _is_bytes(kind: type[Response]) -> bool:
    # Imported here: functions import this package, and need Mangum only to serve.
    from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

    media_type = kind.media_type or ""
    return not issubclass(kind, RedirectResponse) and not any(
        text in media_type for text in DEFAULT_TEXT_MIME_TYPES
    )


def _read_annotation(route: Any) -> object:
    """Return the annotated class of response; None for `Response` itself, which may be any."""
    try:
        found = signature(route.endpoint, eval_str=True).return_annotation
    except Exception:  # a name that cannot be resolved, or an endpoint without a signature
        return None
    return None if found is Response else found
