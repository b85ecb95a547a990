"""The login on ``/docs``: Swagger UI, told where to sign in, and kept from what Cognito refuses."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from fastapi_cognito_guard.pool import AnyClient, UserPool

if TYPE_CHECKING:
    from fastapi import FastAPI

# Swagger UI adds this header when it asks for tokens. It makes browsers ask Cognito first (a CORS preflight),
# and Cognito says no. FastAPI passes settings as JSON, where no function can be, so it is set afterwards.
_WITHOUT_THE_HEADER = b"""
    <script>
    ui.getConfigs().requestInterceptor = (request) => {
        delete request.headers["X-Requested-With"];
        return request;
    };
    </script>
"""


_FILES = {
    "swagger_js_url": "swagger-ui-bundle.js",
    "swagger_css_url": "swagger-ui.css",
    "swagger_favicon_url": "favicon.png",
}


def add_docs_login(app: "FastAPI", pool: UserPool | None, *, files: Path | None) -> None:
    """Let people sign in to ``pool`` on the app's own ``/docs``, with PKCE.

    What the user has put into ``swagger_ui_init_oauth`` is kept. ``files`` are Swagger UI's own: with them
    the page loads nothing from elsewhere.
    """
    if pool is not None:
        app.swagger_ui_init_oauth = _init_oauth(pool) | (app.swagger_ui_init_oauth or {})
    where = next((at for at, route in enumerate(app.routes) if _is_docs(route, app)), None)
    if where is not None and (pool is not None or files is not None):
        app.router.routes[where : where + 1] = _docs(app, files)


def find_swagger_files(package: str = "fastapi_offline") -> Path | None:
    """Where the extra ``docs`` has put Swagger UI's own files. Nothing of the package is imported."""
    spec = find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).with_name("static")


def _init_oauth(pool: UserPool) -> dict[str, Any]:
    """No scopes are asked for by name: Cognito then gives all that the client may have."""
    settings: dict[str, Any] = {"usePkceWithAuthorizationCodeGrant": True}
    if not isinstance(pool.client_ids, AnyClient) and len(pool.client_ids) == 1:
        (settings["clientId"],) = pool.client_ids
    return settings


def _is_docs(route: BaseRoute, app: "FastAPI") -> bool:
    """Whether it is the page that FastAPI itself has made."""
    return isinstance(route, Route) and route.name == "swagger_ui_html" and route.path == app.docs_url


def _docs(app: "FastAPI", files: Path | None) -> list[BaseRoute]:
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
            **({} if files is None else {key: f"{root}{assets}/{name}" for key, name in _FILES.items()}),
        )
        return HTMLResponse(bytes(page.body).replace(b"</body>", _WITHOUT_THE_HEADER + b"</body>"))

    routes: list[BaseRoute] = [Route(docs_url, swagger_ui_html, include_in_schema=False)]
    if files is not None:
        routes.append(Mount(assets, _Files(directory=files), name="swagger_ui_assets"))
    return routes


class _Files(StaticFiles):
    """A class of our own, so that the audit knows them."""
