"""``/docs`` in a browser: login at a local user pool that refuses what Cognito refuses, and words."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from playwright.sync_api import Browser, Page

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    Principal,
    require,
    require_claim,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.testing import Directory, FakeUserPool, LocalClient, LocalUser, local_pool
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


def test_with_the_settings_of_the_default_pool_a_user_signs_in(browser: Browser) -> None:
    """The pool has two clients, and knows nothing of the app's port."""
    with ExitStack() as stack:
        local = stack.enter_context(local_pool())
        app = FastAPI()
        CognitoGuard.from_env(local.settings).install(app)

        @app.get("/me")
        async def me(user: CurrentUser) -> str | None:
            return user.username

        listener = stack.enter_context(listen(0))
        address = stack.enter_context(serve_app(app, listener))
        page = stack.enter_context(browser.new_page())
        page.set_default_timeout(15_000)
        page.goto(f"{address}/docs")
        sign_in(page, "ada")
        assert try_out(page, "me_me_get") == ("200", '"ada"')


def test_without_a_login_the_page_shows_the_refusal_in_the_scheme_of_the_system(browser: Browser) -> None:
    classes = "document.documentElement.className"  # Swagger UI's styles have one for its dark mode
    with serve_api(scoped=False) as address, browser.new_page(color_scheme="dark") as page:
        page.set_default_timeout(15_000)
        page.goto(f"{address}/docs")
        page.wait_for_function(f"{classes} === 'dark-mode'")
        page.emulate_media(color_scheme="light")
        page.wait_for_function(f"{classes} === ''")
        assert try_out(page, "me_me_get")[0] == "401"


def is_owner(user: Principal) -> bool:
    raise AssertionError(user)


# Each would end a code span, a paragraph or a comment, or begin a tag or a link.
MARKUP = (
    "`</code><img src=x onerror=alert(1)>",
    "``` **b**",
    "a\n\n<script>alert(1)</script>\n\n# Title",
    "<!-- [link](https://evil.example)",
    "https://evil.example/&lt;b&gt;",
    "$& \\",
)


@contextmanager
def show_operation(browser: Browser, pool: FakeUserPool, *requirements: Any) -> Iterator[Page]:
    """Show the one operation of an app, opened."""
    app = FastAPI()
    CognitoGuard(pool.user_pool()).install(app)

    @app.delete("/orders/{order_id}", dependencies=[Depends(each) for each in requirements])
    async def delete(order_id: str) -> None:
        """Delete an order."""

    with listen(0) as listener, serve_app(app, listener) as address, browser.new_page() as page:
        page.set_default_timeout(15_000)
        page.goto(f"{address}/docs")
        page.locator(".opblock-summary").click()
        page.locator(".opblock-description").wait_for()
        yield page


def test_the_page_says_who_may_call_an_operation(browser: Browser, pool: FakeUserPool) -> None:
    either = require_group("admins") | require_scope("orders/admin")
    with show_operation(browser, pool, either, require(is_owner, name="owner")) as page:
        paragraphs = page.locator(".opblock-description p").all_inner_texts()
        names = page.locator(".opblock-description p code").all_inner_texts()
        bold = page.locator(".opblock-description p strong").all_inner_texts()
    assert [text.replace("\u2019", "'") for text in paragraphs] == [
        "Delete an order.",
        "Access: a signed-in user or a client, either in group admins, or with scope orders/admin; "
        "and passing the app's own check owner.",
    ]
    assert (names, bold) == (["admins", "orders/admin", "owner"], ["Access"])


def test_names_with_markup_are_text_on_the_page(browser: Browser, pool: FakeUserPool) -> None:
    with show_operation(browser, pool, require_claim("<b>`", *MARKUP)) as page:
        description = page.locator(".opblock-description")
        names = description.locator("p code").all_inner_texts()
        kinds = description.locator(".renderedMarkdown *").evaluate_all(
            "all => all.map(each => each.tagName)"
        )
    assert len(names) == len(MARKUP) + 1
    assert sorted({*kinds}) == ["CODE", "P", "STRONG"]
    assert kinds.count("P") == 2
    assert "https://evil.example/&lt;b&gt;" in names
    assert "$& \\" in names
