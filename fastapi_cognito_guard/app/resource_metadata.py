"""OAuth 2.0 Protected Resource Metadata (RFC 9728): the user pool and the scopes of an API.

Served only for pools whose ``resource`` is the address of this API. Access tokens must then name it in
``aud``, and the client reads here where to request such a token.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from fastapi_cognito_guard.addresses import check_address
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.pool import UserPool

if TYPE_CHECKING:
    from fastapi import FastAPI

_WELL_KNOWN = "/.well-known/oauth-protected-resource"
_QUOTABLE = r"[\x21\x23-\x5B\x5D-\x7E]+"  # a quoted parameter of a challenge takes these unescaped


def build_metadata_url(resource: str | None) -> str | None:
    """Return the metadata address of a resource, or None if the resource is not an address.

    RFC 9728 section 3.1: the well-known path goes before the path of the resource.
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
    return f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}{parts.path.rstrip('/')}"


def list_metadata_paths(pools: Sequence[UserPool]) -> dict[str, str]:
    """Return the resource of each metadata document, by the document's path."""
    urls = {pool.resource: build_metadata_url(pool.resource) for pool in pools}
    return {urlsplit(url).path: resource for resource, url in urls.items() if url and resource}


def add_metadata_routes(app: "FastAPI", pools: Sequence[UserPool]) -> None:
    """Serve the metadata documents, ahead of all routes of the app."""
    for path, resource in list_metadata_paths(pools).items():
        app.router.routes.insert(0, _build_route(app, path, resource, pools))


def _build_route(app: "FastAPI", path: str, resource: str, pools: Sequence[UserPool]) -> Route:
    async def protected_resource(request: Request) -> JSONResponse:
        return JSONResponse(_build_metadata(app, resource, pools))

    return Route(path, protected_resource, include_in_schema=False)


def _build_metadata(app: "FastAPI", resource: str, pools: Sequence[UserPool]) -> dict[str, Any]:
    # A guard without an app imports this module for its addresses, and must not load FastAPI's routing.
    from fastapi_cognito_guard.app.routes import list_routes

    scopes = {scope for route in list_routes(app) for any_of in route.scopes for scope in any_of}
    return {
        "resource": resource,
        "resource_name": app.title,
        "authorization_servers": [pool.issuers[0] for pool in pools if pool.resource == resource],
        "scopes_supported": sorted(scopes),
        "bearer_methods_supported": ["header"],
    }
