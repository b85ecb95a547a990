"""RFC 9728: where a client that was refused can read which user pool to sign in at.

Only for pools whose ``resource`` is the address of this API: access tokens must then carry it in ``aud``, so
that a token for another API is of no use here, and the client must know what to ask for.
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
_FIT_FOR_A_HEADER = r"[\x21\x23-\x5B\x5D-\x7E]+"  # what can stand between a challenge's quotes


def build_metadata_url(resource: str | None) -> str | None:
    """RFC 9728 section 3.1: the path goes behind the well-known one. None for what is no address."""
    if resource is None or not re.fullmatch(_FIT_FOR_A_HEADER, resource):
        return None
    try:
        check_address("resource", resource)
        parts = urlsplit(resource)
    except (ConfigurationError, ValueError):
        return None
    if parts.query or parts.fragment or parts.username is not None:
        return None
    return f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}{parts.path.rstrip('/')}"


def list_metadata_paths(pools: Sequence[UserPool]) -> dict[str, str]:
    """The path of each document, and the resource that it is about."""
    urls = {pool.resource: build_metadata_url(pool.resource) for pool in pools}
    return {urlsplit(url).path: resource for resource, url in urls.items() if url and resource}


def add_metadata_routes(app: "FastAPI", pools: Sequence[UserPool]) -> None:
    """Serve the documents, before any route of the app's own could take their place."""
    for path, resource in list_metadata_paths(pools).items():
        app.router.routes.insert(0, _route(app, path, resource, pools))


def _route(app: "FastAPI", path: str, resource: str, pools: Sequence[UserPool]) -> Route:
    async def protected_resource(request: Request) -> JSONResponse:
        return JSONResponse(_document(app, resource, pools))

    return Route(path, protected_resource, include_in_schema=False)


def _document(app: "FastAPI", resource: str, pools: Sequence[UserPool]) -> dict[str, Any]:
    from fastapi_cognito_guard.app.routes import list_routes

    scopes = {scope for demand in list_routes(app) for any_of in demand.scopes for scope in any_of}
    return {
        "resource": resource,
        "resource_name": app.title,
        "authorization_servers": [pool.issuers[0] for pool in pools if pool.resource == resource],
        "scopes_supported": sorted(scopes),
        "bearer_methods_supported": ["header"],
    }
