"""Login on ``/docs`` in a browser, at a local user pool that refuses what Cognito refuses."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from playwright.sync_api import Browser, Page

from fastapi_cognito_guard import CognitoGuard, CurrentUser, require_scope
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.testing import Directory, LocalClient, LocalUser, local_pool
from fastapi_cognito_guard.testing.uvicorn_server import get_address, listen, serve_app


@contextmanager
def serve_api(*, scoped: bool, **settings: Any) -> Iterator[str]:
    """Serve an app whose address is a callback URL of a local pool, and yield the address."""
    listener = listen(0)
    address = get_address(listener)
    client = LocalClient(
        id="docs",
        scopes=("openid", "orders/read", "orders/write"),
        callback_urls=(f"{address}/docs/oauth2-redirect",),
    )
    users = (LocalUser(username="bob"), LocalUser(username="ada", groups=("admins",)))
    with ExitStack() as stack:
        stack.enter_context(listener)
        local = stack.enter_context(local_pool(Directory(users=users, clients=(client,))))
        app = FastAPI()
        CognitoGuard(local.user_pool(), **settings).install(app)

        @app.get("/me", dependencies=[Depends(require_scope("orders/read"))] if scoped else [])
        async def me(user: CurrentUser) -> dict[str, str | None]:
            return {"username": user.username, "token_use": user.token_use}

        yield stack.enter_context(serve_app(app, listener))


def sign_in(page: Page, username: str) -> None:
    page.get_by_role("button", name="Authorize").first.click()
    with page.expect_popup() as popup:
        page.locator(".modal-ux .authorize").click()
    popup.value.get_by_label(username).check()
    with popup.value.expect_event("close"):
        popup.value.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Authorized").wait_for()
    page.locator(".modal-ux .btn-done").click()


def try_out(page: Page, operation: str) -> tuple[str, str]:
    """Execute an operation, and return the status and the body that the page shows."""
    page.locator(f"#operations-default-{operation}").get_by_role("button").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table .response").first
    return answer.locator(".response-col_status").inner_text(), answer.locator(
        ".microlight"
    ).first.inner_text()


@pytest.mark.parametrize(
    ("semantics", "scoped", "sent"),
    [
        ("strict", False, "access"),
        ("strict", True, "access"),
        ("rest", False, "id"),
        ("rest", True, "access"),
    ],
)
def test_a_user_signs_in_on_docs_and_calls_a_route(
    browser: Browser, semantics: Semantics, scoped: bool, sent: str
) -> None:
    with serve_api(scoped=scoped, semantics=semantics) as address, browser.new_page() as page:
        page.set_default_timeout(15_000)
        requested: list[str] = []
        page.context.on("request", lambda request: requested.append(request.url))
        page.goto(f"{address}/docs")
        sign_in(page, "ada")
        status, body = try_out(page, "me_me_get")
    assert (status, '"ada"' in body, f'"{sent}"' in body) == ("200", True, True)
    assert all(url.startswith("http://127.0.0.1:") for url in requested), (
        "the page must load nothing from other hosts"
    )


def test_without_a_login_the_page_shows_the_refusal(browser: Browser) -> None:
    with serve_api(scoped=False) as address, browser.new_page() as page:
        page.goto(f"{address}/docs")
        assert try_out(page, "me_me_get")[0] == "401"
