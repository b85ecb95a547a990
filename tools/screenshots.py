"""Pictures of the documentation: the matrix of the example app, and /docs after signing in."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard, UserPool
from fastapi_cognito_guard.matrix import DOORS, build_matrix
from fastapi_cognito_guard.matrix.page import build_page
from fastapi_cognito_guard.testing import Directory, LocalClient, LocalUser, local_pool
from fastapi_cognito_guard.testing.uvicorn_server import get_address, listen, serve_app
from tests.chromium import find_chromium, run_chromium
from tests.integration.test_docs_login import sign_in
from tools.diagrams import main as draw_diagram

IMAGES = Path(__file__).parent.parent / "docs" / "images"
SUFFIXES: dict[Literal["light", "dark"], str] = {"light": "", "dark": "-dark"}
WIDTH, HEIGHT = 1200, 815
MAX_BYTES = 150_000


def main() -> int:
    """Write the pictures. Return 2 without Chromium, and 1 for a picture that is too large."""
    draw_diagram()
    program = find_chromium()
    if program is None:
        print("Chromium is not installed: apt-get install chromium", file=sys.stderr)  # noqa: T201 - a script
        return 2
    IMAGES.mkdir(exist_ok=True)
    with run_chromium(program) as browser, serve_docs() as docs:
        sizes = [take(browser, scheme, docs) for scheme in SUFFIXES for take in (take_matrix, take_docs)]
    return 1 if max(sizes) > MAX_BYTES else 0


def take_matrix(browser: Browser, scheme: Literal["light", "dark"], _: str) -> int:
    """Write a picture of the matrix with the reason of one cell, and return its size in bytes."""
    with open_page(browser, scheme) as page:
        page.set_content(render_page())
        page.locator("tr.row", has_text="POST").locator("td").nth(3).click()
        return save(page, "matrix", scheme)


def take_docs(browser: Browser, scheme: Literal["light", "dark"], docs: str) -> int:
    """Write a picture of /docs with a user who has signed in, and return its size in bytes."""
    with open_page(browser, scheme) as page:
        page.goto(docs)
        sign_in(page, "ada")
        page.locator("#operations-default-delete_order_orders__id__delete").get_by_role(
            "button"
        ).first.click()
        page.locator(".opblock-description").wait_for()
        page.evaluate("document.activeElement.blur(); window.scrollTo(0, 170)")
        return save(page, "docs", scheme)


@contextmanager
def open_page(browser: Browser, scheme: Literal["light", "dark"]) -> Iterator[Page]:
    """Open a page that shows no animation."""
    size = {"width": WIDTH, "height": HEIGHT}
    with browser.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce") as page:
        page.set_default_timeout(15_000)
        yield page


def save(page: Page, name: str, scheme: Literal["light", "dark"]) -> int:
    """Write what the page shows, and return the size in bytes."""
    page.mouse.move(0, 0)
    return len(page.screenshot(path=IMAGES / f"{name}{SUFFIXES[scheme]}.png", animations="disabled"))


def render_page() -> str:
    """Return the matrix of the example app as a page."""
    app = create_app(CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids={"4b1example"})))
    return build_page([build_matrix(app, door=door) for door in DOORS])


@contextmanager
def serve_docs() -> Iterator[str]:
    """Serve the example app and its user pool on loopback, and yield the address of /docs."""
    listener = listen(0)
    docs = f"{get_address(listener)}/docs"
    scopes = ("openid", "orders/read", "orders/write")
    client = LocalClient(id="4b1example", scopes=scopes, callback_urls=(f"{docs}/oauth2-redirect",))
    directory = Directory(users=(LocalUser(username="ada", groups=("admins",)),), clients=(client,))
    with ExitStack() as stack:
        stack.enter_context(listener)
        local = stack.enter_context(local_pool(directory))
        stack.enter_context(serve_app(create_app(CognitoGuard(local.user_pool())), listener))
        yield docs


if __name__ == "__main__":
    sys.exit(main())
