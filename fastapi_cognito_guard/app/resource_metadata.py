"""OAuth 2.0 Protected Resource Metadata (RFC 9728): the user pool and the scopes of an API.

Served only for pools whose ``resource`` is the address of this API. Access tokens must then name it in
``aud``, and the client reads here where to request such a token.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fastapi_cognito_guard.addresses import check_address
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.pool import UserPool

if TYPE_CHECKING:
    from fastapi import FastAPI

    from fastapi_cognito_guard.app.routes import RouteInfo

_WELL_KNOWN = "/.well-known/oauth-protected-resource"
_PUBLIC = {"Access-Control-Allow-Origin": "*"}  # any web page may be a client
_PREFLIGHT = {**_PUBLIC, "Access-Control-Allow-Methods": "GET", "Access-Control-Allow-Headers": "*"}
_QUOTABLE = r"[\x21\x23-\x5B\x5D-\x7E]+"  # a quoted parameter of a challenge takes these unescaped


def build_metadata_url(resource: str | None, root_path: str = "") -> str | None:
    """Return the metadata address of a resource, or None if the resource is not an address.

    RFC 9728 section 3.1: the well-known path goes before the path of the resource. An app that is mounted at
    this path (``root_path``), as at a stage of API Gateway, cannot answer there: the well-known path then
    goes after it. Clients get that address from a challenge (section 5.1).
    """
    if resource is None or not re.fullmatch(_QUOTABLE, resource):
        return None
    try:
        check_address("resource", resource)
    except ConfigurationError:
        return None
    parts = urlsplit(resource)
    if parts.query or parts.fragment or parts.username is not None:
        return None
    path = parts.path.rstrip("/")
    below = bool(path) and path == root_path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}" + (f"{path}{_WELL_KNOWN}" if below else f"{_WELL_KNOWN}{path}")


def list_metadata_paths(pools: Sequence[UserPool]) -> dict[str, str | None]:
    """Return the resource of each metadata document, by the document's path.

    None stands for the resource whose path is the mount point of the app.
    """
    resources = _index_by_path(pools)
    mounted: dict[str, str | None] = {_WELL_KNOWN: None} if resources else {}
    return mounted | {f"{_WELL_KNOWN}{path}": resource for path, resource in resources.items()}


def add_metadata_routes(app: "FastAPI", pools: Sequence[UserPool]) -> None:
    """Serve the metadata documents, ahead of all routes of the app."""
    for path, resource in list_metadata_paths(pools).items():
        app.router.routes.insert(0, _build_route(app, path, resource, pools))


def _index_by_path(pools: Sequence[UserPool]) -> dict[str, str]:
    """Return the resources that have a document, by their paths."""
    urls = {pool.resource: build_metadata_url(pool.resource) for pool in pools}
    paths = {resource: urlsplit(url).path.removeprefix(_WELL_KNOWN) for resource, url in urls.items() if url}
    return {path: resource for resource, path in paths.items() if resource}


def _build_route(app: "FastAPI", path: str, resource: str | None, pools: Sequence[UserPool]) -> Route:
    mounted = _index_by_path(pools) if path == _WELL_KNOWN else {}

    async def protected_resource(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_PREFLIGHT)
        named = mounted.get(request.scope.get("root_path", "").rstrip("/"), resource)
        if named is None:
            return JSONResponse({"detail": "Not Found"}, 404, headers=_PUBLIC)
        return JSONResponse(_build_metadata(app, named, pools), headers=_PUBLIC)

    return Route(path, protected_resource, methods=["GET", "OPTIONS"], include_in_schema=False)


def _build_metadata(app: "FastAPI", resource: str, pools: Sequence[UserPool]) -> dict[str, Any]:
    metadata = {
        "resource": resource,
        "resource_name": app.title,
        "authorization_servers": [pool.issuers[0] for pool in pools if pool.resource == resource],
        "scopes_supported": _list_scopes(app),
        "bearer_methods_supported": ["header"],
    }
    return {name: value for name, value in metadata.items() if value}


def _list_scopes(app: "FastAPI") -> list[str]:
    """Return the scopes of all routes that the app does not hide from its documentation."""
    # A guard without an app imports this module for its addresses, and must not load FastAPI's routing.
    from fastapi_cognito_guard.app.routes import list_mounted_apps, list_routes

    apps = [("", app), *list_mounted_apps(app)]
    documents = [(path, each.openapi_url is not None) for path, each in apps if hasattr(each, "openapi_url")]
    shown = (route for route in list_routes(app) if _is_shown(route, documents))
    return sorted({scope for route in shown for scope in route.scope_names})


def _is_shown(route: "RouteInfo", documents: Sequence[tuple[str, bool]]) -> bool:
    """Return True for a protected app, and for a route that its app's documentation has or cannot have.

    ``documents`` has the path of each app, and whether it has an OpenAPI document.
    """
    from fastapi_cognito_guard.protected_app import ProtectedApp

    if isinstance(route.endpoint, ProtectedApp):
        return True
    owners = [(path, document) for path, document in documents if f"{route.path}/".startswith(f"{path}/")]
    innermost = max((path for path, _ in owners), key=len)
    return all(document for path, document in owners if path == innermost) and (
        route.in_schema or route.websocket
    )
