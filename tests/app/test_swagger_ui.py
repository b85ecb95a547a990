"""Settings and files of the page ``/docs``. The login itself is tested in a browser, in tests/integration."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from fastapi_cognito_guard import ANY_CLIENT, lambda_handler
from fastapi_cognito_guard.app.swagger_ui import add_docs_login, find_swagger_files
from fastapi_cognito_guard.testing import FakeUserPool, gateway_event
from tests.apps import client_of, guard_for

DOMAIN = {"domain": "auth.example.com"}
PKCE = {"usePkceWithAuthorizationCodeGrant": True}


def fetch_docs(app: FastAPI) -> str:
    return client_of(app).get("/docs").text


def list_loaded_files(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="([^"]+)"', page)


def test_the_login_asks_for_the_resource_that_tokens_must_name(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool, user_pool={**DOMAIN, "resource": "https://api.example.com"}).install(app)
    assert app.swagger_ui_init_oauth is not None
    assert app.swagger_ui_init_oauth["additionalQueryStringParams"] == {"resource": "https://api.example.com"}


@pytest.mark.parametrize(
    ("client_ids", "own", "expected"),
    [
        ("web", None, {**PKCE, "clientId": "web"}),
        ({"web", "app"}, None, {**PKCE, "clientId": "app"}),
        (["web", "app"], None, {**PKCE, "clientId": "web"}),
        (ANY_CLIENT, None, PKCE),
        ({"web", "app"}, {"clientId": "web"}, {**PKCE, "clientId": "web"}),
        (
            "web",
            {"usePkceWithAuthorizationCodeGrant": False, "scopes": "a"},
            {"clientId": "web", "scopes": "a"},
        ),
    ],
    ids=[
        "one client",
        "a set of clients",
        "a list of clients",
        "any client",
        "client chosen by the app",
        "settings of the app win",
    ],
)
def test_the_login_names_the_first_client(
    pool: FakeUserPool, client_ids: Any, own: dict[str, Any] | None, expected: dict[str, Any]
) -> None:
    app = FastAPI(swagger_ui_init_oauth=own)
    guard_for(pool, user_pool={**DOMAIN, "client_ids": client_ids}).install(app)
    assert app.swagger_ui_init_oauth is not None
    assert {key: value for key, value in app.swagger_ui_init_oauth.items() if value} == expected
    assert "ui.initOAuth({" in fetch_docs(app)


def test_without_a_domain_there_is_no_login(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)
    assert app.swagger_ui_init_oauth is None
    assert "initOAuth" not in fetch_docs(app)


def test_without_a_domain_the_page_too_loads_nothing_from_other_hosts(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)
    assert all(address.startswith("/docs/assets/") for address in list_loaded_files(fetch_docs(app)))


def test_the_page_replaces_the_one_of_fastapi(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool, user_pool=DOMAIN).install(app)
    assert [getattr(route, "path", None) for route in app.routes].count("/docs") == 1


def test_with_the_extra_the_app_serves_every_file_that_the_page_loads(pool: FakeUserPool) -> None:
    app = FastAPI(docs_url="/help/docs")
    guard_for(pool, user_pool=DOMAIN).install(app)

    @app.get("/{path:path}")
    async def everything_else(path: str) -> PlainTextResponse:
        return PlainTextResponse(path)

    page = client_of(app).get("/help/docs").text
    assert len(list_loaded_files(page)) == 3
    for address in list_loaded_files(page):
        assert address.startswith("/help/docs/assets/")
        answer = client_of(app).get(address)
        assert (answer.status_code, answer.headers["content-type"].startswith("text/plain")) == (200, False)


def test_without_the_extra_the_page_loads_the_same_files_as_fastapis_own(pool: FakeUserPool) -> None:
    plain, app = FastAPI(), FastAPI()
    add_docs_login(app, pool.user_pool(**DOMAIN), files=None)
    assert list_loaded_files(fetch_docs(app)) == list_loaded_files(fetch_docs(plain))
    assert 'delete request.headers["X-Requested-With"]' in fetch_docs(app)
    add_docs_login(plain, None, files=None)
    assert "X-Requested-With" not in fetch_docs(plain)


def test_without_the_extra_no_files_are_found() -> None:
    assert find_swagger_files("no_such_package_anywhere") is None


def test_settings_of_the_page_are_kept(pool: FakeUserPool) -> None:
    app = FastAPI(title="Mine", swagger_ui_parameters={"tryItOutEnabled": True}, docs_url="/d")
    guard_for(pool, user_pool=DOMAIN).install(app)
    page = client_of(app).get("/d").text
    assert '"tryItOutEnabled": true' in page
    assert "<title>Mine - Swagger UI</title>" in page


@pytest.mark.parametrize("own", [{"docs_url": None}, {"openapi_url": None}])
def test_an_app_without_a_docs_page_gets_none(pool: FakeUserPool, own: dict[str, Any]) -> None:
    app = FastAPI(**own)
    guard_for(pool, user_pool=DOMAIN).install(app)
    assert client_of(app).get("/docs").status_code == 404


def test_a_docs_page_of_the_users_own_is_not_replaced(pool: FakeUserPool) -> None:
    app = FastAPI(docs_url=None)

    @app.get("/docs")
    async def swagger_ui_html() -> PlainTextResponse:
        return PlainTextResponse("mine")

    guard_for(pool, user_pool=DOMAIN).install(app)
    assert fetch_docs(app) == "mine"


@pytest.mark.parametrize("redirect", ["/docs/oauth2-redirect", None])
def test_behind_a_stage_every_address_on_the_page_works(pool: FakeUserPool, redirect: str | None) -> None:
    app = FastAPI(swagger_ui_oauth2_redirect_url=redirect)
    guard_for(pool, user_pool=DOMAIN).install(app)
    handler = lambda_handler(app)

    def get(path: str) -> dict[str, Any]:
        return handler(gateway_event("rest", path=path, stage="prod"), None)

    page = get("/docs")["body"]
    assert "url: '/prod/openapi.json'" in page
    assert ("oauth2RedirectUrl: window.location.origin + '/prod/docs/oauth2-redirect'" in page) is bool(
        redirect
    )
    for address in [
        *list_loaded_files(page),
        "/prod/openapi.json",
        *(["/prod" + redirect] if redirect else []),
    ]:
        assert address.startswith("/prod/")
        assert get(address.removeprefix("/prod"))["statusCode"] == 200
