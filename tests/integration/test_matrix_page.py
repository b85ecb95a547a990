"""The page of a matrix in a browser, by keyboard and by mouse: it loads nothing, and violates no policy."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from playwright.sync_api import Browser, Page

from fastapi_cognito_guard import CurrentUser, require, require_group, require_scope
from fastapi_cognito_guard.matrix import DOORS, Caller, build_matrix
from fastapi_cognito_guard.matrix.markdown import format_answer
from fastapi_cognito_guard.matrix.page import build_page
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import guard_for
from tests.servers import fault_server, response

ATTACK = "</script><img src=x onerror=document.title='owned'>"
SIZES = [(400, 800), (900, 800), (1600, 900)]


def is_owner(user: Any) -> bool:
    return True


async def answer() -> None: ...


def build(pool: FakeUserPool) -> FastAPI:
    app = FastAPI(title="Orders")
    guard_for(pool).install(app)
    for path, *requirements in (
        ("/orders", require_scope("orders/read")),
        ("/orders/{id}", require(is_owner, name="owner of the order")),
        ("/admin", require_group("admins")),
        ("/both", require_group("admins"), require_scope("orders/read")),
    ):
        app.add_api_route(path, answer, dependencies=list(map(Depends, requirements)))
    app.add_api_route("/health", answer)

    @app.websocket("/live")
    async def live(user: CurrentUser) -> None: ...

    return app


@pytest.fixture(scope="module")
def large(pool: FakeUserPool) -> str:
    """Return a page with 200 routes and 12 callers."""
    app = FastAPI(title="Large")
    guard_for(pool).install(app)
    for number in range(200):
        requirement = require_group(f"group{number % 9}")
        app.add_api_route(
            f"/part{number % 8}/things/{{thing_id}}/parts/{number}",
            answer,
            dependencies=[Depends(requirement)],
        )
    callers = [Caller(name=f"group customers/support{number}") for number in range(11)]
    return build_page([build_matrix(app, [Caller(name="nobody", kind="nobody"), *callers])])


def render(app: FastAPI, callers: list[Caller] | None = None) -> str:
    return build_page([build_matrix(app, callers, door=door) for door in DOORS])


@contextmanager
def open_page(browser: Browser, content: str, **context: Any) -> Iterator[Page]:
    """Show a page from a server. Fails if it requests anything else, or if the console says anything."""
    with (
        fault_server(response(content.encode(), headers={"Content-Type": "text/html"})) as server,
        browser.new_context(**context) as opened,
        opened.new_page() as page,
    ):
        requested: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', e => console.log(e.violatedDirective))"
        )
        page.set_default_timeout(10_000)
        page.goto(server.address)
        yield page
        assert said == []
        assert [url for url in requested if not url.startswith("data:")] == [server.address]
        assert len(server.requests) == 1


def list_routes(page: Page) -> list[str]:
    """Return the paths of all rows that are seen."""
    return page.locator("tr.row:visible .path").all_inner_texts()


def read_cells(page: Page) -> list[list[str]]:
    """Return the words of all cells that are seen."""
    script = """rows => rows.filter(row => row.checkVisibility()).map(row =>
        [...row.querySelectorAll(".answer")].filter(each => each.checkVisibility())
        .map(each => each.firstChild.textContent))"""
    found: list[list[str]] = page.locator("tr.row").evaluate_all(script)
    return found


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.tagName"))


def test_each_door_shows_its_answers_with_and_without_scripts(browser: Browser, pool: FakeUserPool) -> None:
    app = build(pool)
    expected = {
        door: [list(map(format_answer, row.answers)) for row in build_matrix(app, door=door).rows]
        for door in DOORS
    }
    assert expected["standalone"][:5] != expected["rest"]
    for scripts in (True, False):
        with open_page(browser, render(app), java_script_enabled=scripts) as page:
            assert page.locator(".filters").is_visible() is scripts
            for number, door in enumerate(DOORS):
                page.locator(f"label:has(#door{number})").click()
                assert read_cells(page) == expected[door]
                assert page.locator("p.door").nth(number).is_visible()
            assert page.locator("p.door:visible").count() == 1


def test_filters_leave_the_routes_and_callers_that_match(browser: Browser, pool: FakeUserPool) -> None:
    with open_page(browser, render(build(pool))) as page:
        everything = list_routes(page)
        query, choice, count = (
            page.get_by_label("Find routes"),
            page.get_by_label("Show"),
            page.locator("#count"),
        )
        assert page.locator("#clear").is_disabled()
        query.fill("ORDERS admins")  # in the path or in the requirements, in any case
        assert list_routes(page) == ["/both"]
        assert count.inner_text() == "1 of 6 routes, 7 of 7 callers"
        query.press("Enter")  # sends nothing
        query.fill("nothing like this")
        assert page.locator("#empty").is_visible()
        page.get_by_role("button", name="Clear").click()
        assert (list_routes(page), page.locator("#empty").is_visible()) == (everything, False)
        for option, routes in (
            ("open without credentials", ["/health"]),
            ("no caller may", []),
            ("a check decides", ["/orders/{id}"]),
            ("not the same at every door", ["/orders", "/both"]),
        ):
            choice.select_option(label=option)
            assert list_routes(page) == routes, option
        choice.select_option(label="no caller may")
        page.locator("summary").click()
        page.get_by_role("button", name="None").click()
        page.get_by_label("any user", exact=True).check()
        assert list_routes(page) == ["/orders", "/admin", "/both"]
        assert page.locator("th.caller:visible").all_inner_texts() == ["any user"]
        assert all(len(row) == 1 for row in read_cells(page))
        page.locator("td.differs:visible").first.click()  # an open reason changes no filter
        choice.select_option(label="not the same at every door")
        assert list_routes(page) == ["/orders", "/both"]
        choice.select_option(label="a caller may")
        assert list_routes(page) == ["/health", "/live"]
        page.locator("#clear").click()
        assert (list_routes(page), page.locator("th.caller:visible").count()) == (everything, 7)


def test_a_door_without_websockets_hides_their_routes(browser: Browser, pool: FakeUserPool) -> None:
    with open_page(browser, render(build(pool))) as page:
        assert "/live" in list_routes(page)
        page.get_by_label("HTTP API").check(force=True)
        assert "/live" not in list_routes(page)
        assert page.locator("#count").inner_text() == "5 of 5 routes, 7 of 7 callers"


def test_the_keyboard_reaches_each_cell_and_tells_why(browser: Browser, pool: FakeUserPool) -> None:
    with open_page(browser, render(build(pool))) as page:
        page.locator("#clear").evaluate("element => element.previousElementSibling.firstChild.focus()")
        page.keyboard.press("Tab")
        assert focused(page) == "TD"
        for key in ("ArrowDown", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowUp"):
            page.keyboard.press(key)
        why = page.get_by_role("dialog")
        assert why.count() == 0
        page.keyboard.press("Enter")
        assert why.get_by_role("heading").inner_text() == "403 any user, at GET /orders"
        assert focused(page) == "H2"
        text = why.inner_text()
        for part in (
            "Refused with 403 by the app",
            "insufficient_scope",
            "scope orders/read",
            "A user. Groups: none.",
        ):
            assert part in text
        assert "REST API: 401 by the gateway" in text
        page.keyboard.press("Escape")
        assert (why.count(), focused(page)) == (0, "TD")
        page.keyboard.press("Control+End")
        page.keyboard.press(" ")
        assert "at WebSocket /live" in why.inner_text()
        assert "REST API: no such route" in why.inner_text()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert (why.count(), focused(page)) == (0, "TD")
        assert page.locator("td[tabindex]").count() == 1


def test_the_reason_follows_the_cell_and_the_door_and_goes_with_a_hidden_row(
    browser: Browser, pool: FakeUserPool
) -> None:
    with open_page(browser, render(build(pool))) as page:
        why = page.get_by_role("dialog")
        page.locator("tr.row").nth(0).locator("td").nth(1).click()
        assert "403 any user, at GET /orders" in why.inner_text()
        page.keyboard.press("ArrowLeft")
        assert "401 nobody, at GET /orders" in why.inner_text()
        page.keyboard.press("ArrowRight")
        page.get_by_label("REST API").check(force=True)
        assert "Refused with 401 by the authorizer of the gateway" in why.inner_text()
        page.get_by_label("Find routes").fill("/health")
        assert why.count() == 0
        page.locator("tr.row:visible td").first.click()
        assert "yes nobody, at GET /health" in why.inner_text()
        why.get_by_role("button", name="Close").click()
        assert why.count() == 0


def test_names_of_an_app_are_shown_as_text(browser: Browser, pool: FakeUserPool) -> None:
    app = FastAPI(title=ATTACK)
    guard_for(pool).install(app)
    app.add_api_route(f"/{ATTACK}", answer, dependencies=[Depends(require(is_owner, name=ATTACK))])
    with open_page(browser, render(app, [Caller(name=ATTACK)])) as page:
        page.locator("td").click()
        page.locator("summary").click()
        assert page.title() == f"{ATTACK}: who may do what"
        assert page.locator("img").count() == 0
        assert page.get_by_role("dialog").inner_text().count(ATTACK) == 3
        assert page.get_by_label(ATTACK, exact=True).is_checked()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
def test_names_of_routes_and_callers_stay_in_sight(
    browser: Browser, large: str, size: tuple[int, int]
) -> None:
    width, height = size
    viewport = {"width": width, "height": height}
    with open_page(browser, large, viewport=viewport) as page:
        page.locator("tr.row td").first.click()
        page.keyboard.press("Control+End")
        for selector in ("th.caller >> nth=-1", "tr.row >> nth=-1 >> th", "td:focus"):
            box = page.locator(selector).bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= height
        cell, why = page.locator("td:focus").bounding_box(), page.locator("#why").bounding_box()
        assert cell is not None
        assert why is not None
        assert cell["y"] + cell["height"] <= why["y"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_printed_page_has_the_table_and_the_legend_and_no_controls(browser: Browser, large: str) -> None:
    paper = {"width": 1047, "height": 718}  # A4, landscape, without margins
    with open_page(browser, large, viewport=paper, color_scheme="dark") as page:
        page.locator("tr.row td").first.click()
        page.emulate_media(media="print")
        for selector in (".doors", ".filters input", "#clear", "#why"):
            assert not page.locator(selector).first.is_visible(), selector
        assert page.locator(".legend li").first.is_visible()
        table = page.locator("table").bounding_box()
        assert table is not None
        assert table["x"] + table["width"] <= paper["width"]
        for selector in ("body", "tr.row td", "th.route", ".answer.unknown"):
            style = page.locator(selector).first.evaluate(
                "element => [getComputedStyle(element).color, getComputedStyle(element).backgroundColor]"
            )
            assert style[0] == "rgb(0, 0, 0)"
            assert style[1] in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
        head = page.locator("thead").evaluate("element => getComputedStyle(element).display")
        assert head == "table-header-group"
        pages = page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n")
        assert 5 <= pages <= 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_texts_can_be_read_in_both_schemes(browser: Browser, pool: FakeUserPool, scheme: str) -> None:
    with open_page(browser, render(build(pool)), color_scheme=scheme) as page:
        page.locator("tr.row td").nth(1).click()
        low = page.evaluate(CONTRAST)
    assert low == [], json.dumps(low)


CONTRAST = """() => {
  const parse = color => color.match(/[\\d.]+/g).map(Number);
  const light = color => parse(color).slice(0, 3).map(part => part / 255)
    .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [.2126, .7152, .0722][index], 0);
  const ground = element => {
    const color = getComputedStyle(element).backgroundColor;
    const isRoot = element === document.documentElement;
    return isRoot || (parse(color)[3] ?? 1) > 0 ? color : ground(element.parentElement);
  };
  const low = new Set();
  for (const element of document.querySelectorAll("body *")) {
    const hasText = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!hasText || !element.checkVisibility() || element.matches(":disabled, script, option")) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) low.add(element.outerHTML.slice(0, 100));
  }
  return [...low];
}"""
