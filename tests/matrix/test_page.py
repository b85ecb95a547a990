"""The page: its table is whole without scripts, and no text of an app becomes part of its code."""

import re
from base64 import b64encode
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_cognito_guard import CurrentUser, require, require_claim, require_group, require_scope
from fastapi_cognito_guard.errors import AuthError, ConfigurationError
from fastapi_cognito_guard.matrix import DOORS, Caller, Door, Matrix, build_matrix
from fastapi_cognito_guard.matrix.answers import ALLOWED, CHECK
from fastapi_cognito_guard.matrix.markdown import format_answer
from fastapi_cognito_guard.matrix.page import build_page
from fastapi_cognito_guard.matrix.page.words import DOORS as DOOR_WORDS
from fastapi_cognito_guard.matrix.page.words import MEANINGS, describe_caller
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.validation import escape_unprintable
from tests.apps import guard_for
from tests.field.test_shapes import build as build_shapes
from tests.matrix.page_reader import PageReader
from tests.matrix.random_routes import ACCESS, SETTINGS, build_app
from tests.test_errors import tree

ATTACK = "</script><img src=x onerror=alert(1)>\"'&"


async def answer() -> None: ...


def is_owner(user: Any) -> bool:
    return True


def build(pool: FakeUserPool, **guard: Any) -> FastAPI:
    app = FastAPI(title="Orders")
    guard_for(pool, **guard).install(app)
    for path, requirement in (
        ("/orders", require_scope("orders/read")),
        ("/orders/{id}", require(is_owner, name="owner of the order")),
        ("/admin", require_group("admins")),
    ):
        app.add_api_route(path, answer, dependencies=[Depends(requirement)])

    @app.websocket("/live")
    async def live(user: CurrentUser) -> None: ...

    app.add_api_route("/health", answer)
    return app


def build_all(app: FastAPI, *doors: Door, callers: list[Caller] | None = None) -> list[Matrix]:
    return [build_matrix(app, callers, door=door) for door in doors or DOORS]


def test_the_table_holds_every_answer_of_every_door_without_scripts(pool: FakeUserPool) -> None:
    for app in (build(pool), build_shapes(pool)):
        matrices = build_all(app)
        page = PageReader(build_page(matrices))
        assert page.heads == [caller.name for caller in matrices[0].callers]
        names = [row.route.name for row in matrices[0].rows]
        assert [
            re.sub(r"\s+", " ", text).strip()[: len(name)]
            for (text, _), name in zip(page.rows, names, strict=True)
        ] == names
        for number, matrix in enumerate(matrices):
            expected = {row.route.name: list(map(format_answer, row.answers)) for row in matrix.rows}
            shown = dict(zip(names, page.list_words(number), strict=True))
            assert {name: shown[name] for name in expected} == expected


def test_a_cell_is_marked_only_where_a_door_gives_another_answer(pool: FakeUserPool) -> None:
    matrices = build_all(build(pool), "standalone", "rest")
    page = build_page(matrices)
    standalone, rest = (
        {(row.route.name, caller.name): format_answer(answer) for row, caller, answer in each.list_cells()}
        for each in matrices
    )
    different = [cell for cell in rest if rest[cell] != standalone[cell]]
    assert page.count('<td class="differs">') == len(different) > 0
    assert "</span> differs by door" in page
    assert 'class="differs"' not in build_page(matrices[:1])
    assert "</span> differs by door" not in build_page(matrices[:1])


def test_a_route_that_a_door_does_not_have_is_shown_at_the_others_only(pool: FakeUserPool) -> None:
    app = build(pool)
    page = build_page(build_all(app, "rest", "standalone", "http"))
    (row,) = re.findall(r'<tr class="([^"]*)">(?=<th[^>]*title="WebSocket)', page)
    assert row == "row at at1"
    assert page.count("Such an API has no WebSockets") == 2
    assert "WebSockets" not in build_page(build_all(app, "standalone"))
    routes = {each["name"]: each["cells"] for each in PageReader(page).data["routes"]}
    assert list(routes) == [row.route.name for row in build_matrix(app).rows]  # in the app's order
    cells = routes["WebSocket /live"]
    assert all(first == -1 and second >= 0 and third == -1 for first, second, third in cells)


def test_the_choice_of_a_door_names_each_and_the_first_is_chosen(pool: FakeUserPool) -> None:
    page = build_page(build_all(build(pool), "http", "lambda"))
    radios = [attrs for tag, attrs in PageReader(page).tags if attrs.get("type") == "radio"]
    assert [(each["id"], "checked" in each) for each in radios] == [("door0", True), ("door1", False)]
    assert DOOR_WORDS["http"].sentence in page
    assert DOOR_WORDS["rest"].sentence not in page
    assert 'type="radio"' not in build_page(build_all(build(pool), "http"))


def test_a_cell_tells_why(pool: FakeUserPool) -> None:
    matrices = build_all(build(pool), "standalone", "rest")
    data = PageReader(build_page(matrices)).data
    columns = {each["name"]: number for number, each in enumerate(data["callers"])}
    routes = {each["name"]: each for each in data["routes"]}

    def read(route: str, caller: str) -> list[Any]:
        return [data["answers"][number] for number in routes[route]["cells"][columns[caller]]]

    here, at_rest = read("GET /orders", "any user")
    assert (here["word"], here["code"], here["rule"]) == ("403", "insufficient_scope", "scope orders/read")
    assert here["words"] == "Refused with 403 by the app: the token lacks a scope that the route requires."
    assert (at_rest["word"], at_rest["short"]) == ("401", "401 by the gateway")
    check, _ = read("GET /orders/{id}", "any user")
    assert (check["word"], check["code"], check["rule"]) == ("check", "", "check owner of the order")
    assert "A check of the app's own decides" in check["words"]
    assert read("GET /health", "nobody")[0]["words"] == "The request reaches the route's function."
    assert routes["GET /admin"]["requires"] == "group admins"
    assert "Groups: admins." in data["callers"][columns["group admins"]]["words"]


def test_a_route_with_an_optional_user_says_that_a_bad_token_is_refused(pool: FakeUserPool) -> None:
    data = PageReader(build_page(build_all(build_shapes(pool), "standalone"))).data
    requires = {each["name"]: each["requires"] for each in data["routes"]}
    assert requires["GET /optional"] == "anybody; a token that is sent must be valid"
    assert requires["GET /claims"] == "any user or client"


@pytest.mark.parametrize(
    ("caller", "words"),
    [
        (Caller(name="a", kind="nobody"), "Sends no credentials."),
        (Caller(name="a", kind="iam"), "Signs with AWS credentials."),
        (Caller(name="a", kind="machine"), "A client that acts for itself. Scopes: none."),
        (
            Caller(
                name="a", groups=("g", "h"), scopes=("s/r",), claims={"tier": ["gold"]}, level="l", age=9,
                actor="bot", pool_id="eu-west-1_A", token_use="id",
            ),
            "A user. Groups: g, h. Scopes: s/r. Claims: tier = ['gold']. Level: l. Signed in: 9 s ago. "
            "Acting for the user: bot. Pool: eu-west-1_A. Token sent: the ID token.",
        ),
    ],
)  # fmt: skip
def test_a_caller_is_described_by_what_the_tokens_say(caller: Caller, words: str) -> None:
    assert describe_caller(caller) == words


def test_the_same_app_gives_the_same_bytes_and_a_date_only_if_it_is_given(pool: FakeUserPool) -> None:
    first, second = (build_page(build_all(build(pool))) for _ in range(2))
    assert first == second
    assert "As of" not in first
    dated = build_page(build_all(build(pool)), date=date(2026, 11, 28))
    assert dated.replace(" As of 2026-11-28.", "") == first


def test_no_name_of_an_app_becomes_code(pool: FakeUserPool) -> None:
    app = FastAPI(title=ATTACK)
    guard_for(pool).install(app)
    for requirement in (
        require(is_owner, name=ATTACK),
        require_group(ATTACK),
        require_claim("tier", ATTACK),
        require_claim(ATTACK, "gold"),
    ):
        path = f"/{ATTACK}/{len(app.routes)}"
        app.add_api_route(path, answer, dependencies=[Depends(requirement)])
    callers = [Caller(name=ATTACK), Caller(name="b", groups=(ATTACK,), claims={ATTACK: ATTACK})]
    page = build_page(build_all(app, callers=callers))
    reader = PageReader(page)
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert {name for _, attrs in reader.tags for name in attrs if name.startswith("on")} == set()
    assert reader.texts["title"] == [f"{ATTACK}: who may do what"]
    assert reader.heads == [ATTACK, "b"]
    assert reader.data["callers"][0]["name"] == ATTACK
    assert all(each["name"].startswith(f"GET /{ATTACK}/") for each in reader.data["routes"])
    assert f"check {ATTACK}" in {each["rule"] for each in reader.data["answers"]}


@given(st.text(max_size=30), st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20))
def test_any_title_and_name_is_shown_as_it_is(title: str, name: str) -> None:
    matrix = replace(MATRIX, title=title, callers=(Caller(name=name), *MATRIX.callers[1:]))
    page = build_page([matrix])
    reader = PageReader(page)
    assert [tag for tag, _ in reader.tags if tag != "wbr"] == TAGS
    assert reader.texts["title"] == [f"{escape_unprintable(title)}: who may do what"]
    assert reader.heads[0] == name
    assert reader.data["callers"][0]["name"] == name
    page.encode()


MATRIX = build_matrix(build(FakeUserPool()))
TAGS = [tag for tag, _ in PageReader(build_page([MATRIX])).tags if tag != "wbr"]


def test_characters_that_cannot_be_seen_are_escaped(pool: FakeUserPool) -> None:
    app = FastAPI(title="a\u202eb\u2028\ud800")
    guard_for(pool).install(app)
    app.add_api_route("/\u202etxt.exe", answer)
    page = build_page(build_all(app))
    assert not {"\u202e", "\u2028", "\ud800"} & set(page)
    assert "a\\u202eb\\u2028\\ud800" in page
    assert PageReader(page).data["routes"][0]["name"] == "GET /\\u202etxt.exe"


def test_the_page_names_no_address_and_runs_only_its_own_script(pool: FakeUserPool) -> None:
    page = build_page(build_all(build(pool)))
    reader = PageReader(page)
    assert "//" not in re.sub(r"^\s*//.*|/\*.*?\*/", "", page, flags=re.MULTILINE).replace(
        "  // the cell", ""
    )
    assert [attrs for _, attrs in reader.tags if {"src", "srcset", "action", "style"} & attrs.keys()] == []
    assert [attrs["href"] for _, attrs in reader.tags if "href" in attrs] == ["data:,"]
    (policy,) = (str(attrs["content"]) for _, attrs in reader.tags if attrs.get("http-equiv"))
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    for name, text in (("style-src", reader.texts["style"][0]), ("script-src", reader.texts["script"][1])):
        assert rules.pop(name) == f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    assert rules == {
        "default-src": "'none'", "img-src": "data:", "base-uri": "'none'", "form-action": "'none'",
    }  # fmt: skip


def build_many(pool: FakeUserPool, *paths: str) -> FastAPI:
    app = FastAPI()
    guard_for(pool).install(app)
    for path in paths:
        app.add_api_route(path, answer)
    return app


def test_many_routes_are_in_groups_and_their_data_in_the_same_order(pool: FakeUserPool) -> None:
    paths = [path for number in range(12) for path in (f"/api/v1/a/{number}", f"/api/V2/b/{number}")]
    app = build_many(pool, *paths, "/health", "/api")
    page = build_page(build_all(app, "standalone"))
    groups = re.findall(r'<th scope="rowgroup" colspan="(\d+)"><span>([^<]*)<', page)
    width = str(len(build_matrix(app).callers) + 1)
    assert groups == [(width, "Single routes"), (width, "/api/v1/a"), (width, "/api/V2/b")]
    reader = PageReader(page)
    listed = [each["name"] for each in reader.data["routes"]]
    assert listed[:3] == ["GET /health", "GET /api", "GET /api/v1/a/0"]
    assert [text.split(" anybody")[0] for text, _ in reader.rows] == listed


def test_few_routes_and_routes_of_one_group_have_no_headings(pool: FakeUserPool) -> None:
    for paths in ([f"/a{number}" for number in range(24)], [f"/a/{number}" for number in range(30)]):
        page = build_page(build_all(build_many(pool, *paths), "standalone"))
        assert 'scope="rowgroup"' not in page
        assert [each["name"] for each in PageReader(page).data["routes"]] == [f"GET {path}" for path in paths]


@pytest.mark.parametrize(("number", "style"), [(14, "few"), (15, "many"), (26, "many"), (27, "most")])
def test_many_callers_are_printed_smaller(pool: FakeUserPool, number: int, style: str) -> None:
    callers = [Caller(name=f"caller {each}") for each in range(number)]
    assert f'<table class="{style}">' in build_page(build_all(build(pool), callers=callers))


def test_matrices_that_do_not_belong_together_are_refused(pool: FakeUserPool) -> None:
    standalone, rest = build_all(build(pool), "standalone", "rest")
    with pytest.raises(ConfigurationError, match="at least one matrix"):
        build_page([])
    with pytest.raises(ConfigurationError, match="at least one caller"):
        build_page(build_all(build(pool), "rest", callers=[]))
    with pytest.raises(ConfigurationError, match="one matrix for each door"):
        build_page([rest, rest])
    for other in (replace(rest, title="Other"), replace(rest, callers=rest.callers[:1])):
        with pytest.raises(ConfigurationError, match="one app"):
            build_page([standalone, other])


def test_an_app_without_routes_has_a_page(pool: FakeUserPool) -> None:
    page = PageReader(build_page(build_all(build_many(pool))))
    assert (page.rows, page.data["routes"], page.heads) == ([], [], ["nobody", "any user", "machine"])


@settings(max_examples=40)
@given(st.lists(ACCESS, min_size=1, max_size=4), SETTINGS)
def test_any_app_has_a_page_whose_cells_and_codes_have_words(
    routes: list[Any], settings: dict[str, Any]
) -> None:
    matrices = build_all(build_app(routes, **settings))
    reader = PageReader(build_page(matrices))
    for number, matrix in enumerate(matrices):
        assert reader.list_words(number) == [list(map(format_answer, row.answers)) for row in matrix.rows]
    found = {answer.code for matrix in matrices for _, _, answer in matrix.list_cells()}
    assert found - {ALLOWED, CHECK} <= MEANINGS.keys()


def test_the_meanings_are_of_codes_that_exist() -> None:
    assert MEANINGS.keys() <= {error.code for error in tree(AuthError) if not error.__subclasses__()}  # type: ignore[attr-defined]  # each is an AuthError
