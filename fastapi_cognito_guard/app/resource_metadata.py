"""OAuth 2.0 Protected Resource Metadata (RFC 9728): the user pool and the scopes of an API.

Served only for pools whose ``resource`` is an address of this API. Access tokens must then name it in
``aud``, and the client reads here where to request such a token.
"""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fastapi_cognito_guard.addresses import check_address
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.request_state import Guard
from fastapi_cognito_guard.validation import NQCHAR

if TYPE_CHECKING:
    from fastapi import FastAPI

    from fastapi_cognito_guard.app.routes import RouteInfo

_WELL_KNOWN = "/.well-known/oauth-protected-resource"
_PUBLIC = {"Access-Control-Allow-Origin": "*"}  # any web page may be a client
_PREFLIGHT = {**_PUBLIC, "Access-Control-Allow-Methods": "GET", "Access-Control-Allow-Headers": "*"}


def build_metadata_url(resource: str | None, root_path: str = "") -> str | None:
    """Return the metadata address of a resource, or None if the resource is not an address.

    RFC 9728 section 3.1: the well-known path goes before the path of the resource. An app that is mounted at
    the beginning of this path (``root_path``), as at a stage of API Gateway, cannot answer there: the
    well-known path then goes after the mount point. Clients get that address from a challenge (section 5.1).
    """
    if not isinstance(resource, str) or not re.fullmatch(f"{NQCHAR}+", resource):
        return None
    try:
        check_address("resource", resource)
    except ConfigurationError:
        return None
    parts = urlsplit(resource)
    if parts.query or parts.fragment or parts.username is not None:
        return None
    path, root = parts.path.rstrip("/"), root_path.rstrip("/")
    if not f"{path}/".startswith(f"{root}/"):
        root = ""
    return f"{parts.scheme}://{parts.netloc}{root}{_WELL_KNOWN}{path.removeprefix(root)}"


def list_metadata_paths(pools: Iterable[UserPool]) -> list[str]:
    """Return the paths of all documents within an app, wherever the app is mounted.

    The end of a resource's path is one of them for each mount point that could stand before it.
    """
    ends = {""} if (paths := _index_by_path(pools)) else set()
    for path in paths:
        segments = path.split("/")
        ends |= {"/" + "/".join(segments[start:]) for start in range(1, len(segments))}
    return sorted(f"{_WELL_KNOWN}{end}" for end in ends)


class MetadataDocuments:
    """The documents of a guard's resources, and of those that are added to it."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard  # its own resources are those of the app's routes
        self._pools = list(guard.pools)
        self._apps: list[FastAPI] = []

    @property
    def paths(self) -> frozenset[str]:
        """Paths of all documents, which anybody may read."""
        return frozenset(list_metadata_paths(self._pools))

    def serve(self, app: "FastAPI") -> None:
        """Serve the documents ahead of all routes of the app."""
        self._apps.append(app)
        self._add_routes(app, self.paths)

    def add(self, pools: Iterable[UserPool]) -> None:
        """Add the resources of these pools, also to apps that serve documents already."""
        before = self.paths
        self._pools += pools
        for app in self._apps:
            self._add_routes(app, self.paths - before)

    def _add_routes(self, app: "FastAPI", paths: Iterable[str]) -> None:
        for path in paths:
            app.router.routes.insert(0, _build_route(app, path, self._guard, self._pools))


def _index_by_path(pools: Iterable[UserPool]) -> dict[str, str]:
    """Return the resources that have a document, by their paths."""
    urls = {pool.resource: build_metadata_url(pool.resource) for pool in pools}
    paths = {resource: urlsplit(url).path.removeprefix(_WELL_KNOWN) for resource, url in urls.items() if url}
    return {path: resource for resource, path in paths.items() if resource}


def _find_resource(pools: Iterable[UserPool], root_path: str, end: str) -> str | None:
    """Return the resource that a document is about; ``end`` is what follows the well-known path.

    Clients that see no challenge try the well-known path alone at last. It is answered if there is one
    resource only.
    """
    resources = _index_by_path(pools)
    found = resources.get(root_path.rstrip("/") + end) or resources.get(end)
    if found is None and not end and len(resources) == 1:
        return next(iter(resources.values()))
    return found


def _build_route(app: "FastAPI", path: str, guard: Guard, pools: Sequence[UserPool]) -> Route:
    """Build the route of one path. ``pools`` is read at each request, because it may grow."""

    async def protected_resource(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_PREFLIGHT)
        root_path = request.scope.get("root_path", "")
        resource = _find_resource(pools, root_path, path.removeprefix(_WELL_KNOWN))
        if resource is None:
            return JSONResponse({"detail": "Not Found"}, 404, headers=_PUBLIC)
        return JSONResponse(_build_metadata(app, resource, guard, pools), headers=_PUBLIC)

    return Route(path, protected_resource, methods=["GET", "OPTIONS"], include_in_schema=False)


def _build_metadata(app: "FastAPI", resource: str, guard: Guard, pools: Sequence[UserPool]) -> dict[str, Any]:
    # One of the two issuers of a pool is enough, and a client may take any of the list: some pools have the
    # other one, which is then their only one, as the setting ``issuer``.
    servers = [pool.issuers[0] for pool in pools if pool.resource == resource]
    metadata = {
        "resource": resource,
        "resource_name": app.title,
        "authorization_servers": list(dict.fromkeys(servers)),
        "scopes_supported": _list_scopes(app, resource, guard),
        "bearer_methods_supported": ["header"],
    }
    return {name: value for name, value in metadata.items() if value}


def _list_scopes(app: "FastAPI", resource: str, guard: Guard) -> list[str]:
    """Return the scopes of all routes of a resource that the app does not hide from its documentation."""
    # A guard without an app imports this module for its addresses, and must not load FastAPI's routing.
    from fastapi_cognito_guard.app.routes import list_mounted_apps, list_routes
    from fastapi_cognito_guard.protected_app import ProtectedApp

    apps = [("", app), *list_mounted_apps(app)]
    documents = [(path, each.openapi_url is not None) for path, each in apps if hasattr(each, "openapi_url")]
    found: set[str] = set()
    for route in list_routes(app):
        own = route.endpoint.guard if isinstance(route.endpoint, ProtectedApp) else guard
        if any(pool.resource == resource for pool in own.pools) and _is_shown(route, documents):
            found |= route.scope_names
    return sorted(found)


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
