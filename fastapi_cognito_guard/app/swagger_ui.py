"""Login on ``/docs``: Swagger UI with the settings that signing in at Cognito needs."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from fastapi_cognito_guard.app.routes import RouteInfo
from fastapi_cognito_guard.pool import UserPool

if TYPE_CHECKING:
    from fastapi import FastAPI

# Swagger UI sends X-Requested-With with token requests. The header causes a CORS preflight, which Cognito
# refuses. FastAPI passes Swagger UI's settings as JSON, which cannot hold a function, so a script sets it.
_REMOVE_HEADER_SCRIPT = b"""
    <script>
    ui.getConfigs().requestInterceptor = (request) => {
        delete request.headers["X-Requested-With"];
        return request;
    };
    </script>
"""
# Swagger UI has a dark mode, and its switch is in a bar that FastAPI's page does not show.
_FOLLOW_SCHEME_SCRIPT = b"""
    <script>
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => document.documentElement.classList.toggle("dark-mode", scheme.matches);
    scheme.addEventListener("change", follow);
    follow();
    </script>
"""
_FILE_NAMES = {
    "swagger_js_url": "swagger-ui-bundle.js",
    "swagger_css_url": "swagger-ui.css",
    "swagger_favicon_url": "favicon.png",
}


def add_docs_login(app: "FastAPI", pool: UserPool | None, *, files: Path | None) -> None:
    """Let users sign in to ``pool`` on the app's own ``/docs``, with PKCE.

    Settings that the app has in ``swagger_ui_init_oauth`` win. ``files`` is the directory of Swagger UI's own
    files: with it, the page loads nothing from other hosts.
    """
    if pool is not None:
        app.swagger_ui_init_oauth = _build_init_oauth(pool) | (app.swagger_ui_init_oauth or {})
    index = next((index for index, route in enumerate(app.routes) if _is_docs_route(route, app)), None)
    if index is not None and (pool is not None or files is not None):
        app.router.routes[index : index + 1] = _build_docs_routes(app, files)


def ask_for_levels(app: "FastAPI", pool: UserPool | None, routes: Iterable[RouteInfo]) -> None:
    """Let the login ask for the highest authentication level that a route requires, or else for a lower one.

    Cognito takes the first of ``acr_values`` that the user can reach.
    """
    required = {
        name
        for route in routes
        for each in route.requirements
        for level in each.list_of_kind("level")
        for name in level.any_of
    }
    levels = [] if pool is None else [level for level in reversed(pool.levels) if level in required]
    if levels:
        settings = app.swagger_ui_init_oauth = {**(app.swagger_ui_init_oauth or {})}
        own = settings.get("additionalQueryStringParams") or {}
        settings["additionalQueryStringParams"] = {"acr_values": " ".join(levels), **own}


def find_swagger_files(package: str = "fastapi_offline") -> Path | None:
    """Return the directory of Swagger UI's files, which the extra ``docs`` installs, or None.

    The package that holds them is not imported.
    """
    spec = find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).with_name("static")


def _build_init_oauth(pool: UserPool) -> dict[str, Any]:
    """Build the settings of the login. Without named scopes, Cognito grants all that the client may have."""
    settings: dict[str, Any] = {"usePkceWithAuthorizationCodeGrant": True}
    if pool.first_client_id is not None:
        settings["clientId"] = pool.first_client_id
    if pool.resource is not None:
        settings["additionalQueryStringParams"] = {"resource": pool.resource}
    return settings


def _is_docs_route(route: BaseRoute, app: "FastAPI") -> bool:
    """Return True if FastAPI itself added this route for its docs page."""
    return isinstance(route, Route) and route.name == "swagger_ui_html" and route.path == app.docs_url


def _build_docs_routes(app: "FastAPI", files: Path | None) -> list[BaseRoute]:
    docs_url = app.docs_url or ""
    assets = docs_url.rstrip("/") + "/assets"

    async def swagger_ui_html(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "").rstrip("/")
        redirect = app.swagger_ui_oauth2_redirect_url
        page = get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} - Swagger UI",
            oauth2_redirect_url=redirect and root + redirect,
            init_oauth=app.swagger_ui_init_oauth,
            swagger_ui_parameters=app.swagger_ui_parameters,
            **({} if files is None else {key: f"{root}{assets}/{name}" for key, name in _FILE_NAMES.items()}),
        )
        scripts = _REMOVE_HEADER_SCRIPT + _FOLLOW_SCHEME_SCRIPT
        return HTMLResponse(bytes(page.body).replace(b"</body>", scripts + b"</body>"))

    routes: list[BaseRoute] = [Route(docs_url, swagger_ui_html, include_in_schema=False)]
    if files is not None:
        routes.append(Mount(assets, _SwaggerFiles(directory=files), name="swagger_ui_assets"))
    return routes


class _SwaggerFiles(StaticFiles):
    """Swagger UI's files. The audit recognizes this class as the package's own."""
