"""Pictures of the documentation: the page of the example app's matrix, light and dark."""

import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard, UserPool
from fastapi_cognito_guard.matrix import DOORS, build_matrix
from fastapi_cognito_guard.matrix.page import build_page
from tests.chromium import find_chromium, run_chromium

IMAGES = Path(__file__).parent.parent / "docs" / "images"
NAMES: dict[Literal["light", "dark"], str] = {"light": "matrix.png", "dark": "matrix-dark.png"}
WIDTH, HEIGHT = 1200, 815
MAX_BYTES = 150_000


def main() -> int:
    """Write the pictures. Return 2 without Chromium, and 1 for a picture that is too large."""
    program = find_chromium()
    if program is None:
        print("Chromium is not installed: apt-get install chromium", file=sys.stderr)  # noqa: T201 - a script
        return 2
    IMAGES.mkdir(exist_ok=True)
    with run_chromium(program) as browser:
        sizes = [take_picture(browser, render_page(), scheme) for scheme in NAMES]
    return 1 if max(sizes) > MAX_BYTES else 0


def render_page() -> str:
    """Return the page of the example app."""
    app = create_app(CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids={"4b1example"})))
    return build_page([build_matrix(app, door=door) for door in DOORS])


def take_picture(browser: Browser, content: str, scheme: Literal["light", "dark"]) -> int:
    """Write a picture with the reason of one cell, and return its size in bytes."""
    with browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme) as page:
        page.set_content(content)
        page.locator("tr.row", has_text="POST").locator("td").nth(3).click()
        page.mouse.move(0, 0)
        return len(page.screenshot(path=IMAGES / NAMES[scheme]))


if __name__ == "__main__":
    sys.exit(main())
