"""The reviewed file: what is written is read back, and any other text is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_cognito_guard import require, require_claim, require_group
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.matrix.review_file import read_snapshot, write_snapshot
from fastapi_cognito_guard.matrix.snapshot import take_snapshot
from fastapi_cognito_guard.testing import FakeUserPool, assert_matrix
from tests.apps import build_app as build_usual_app
from tests.apps import guard_for
from tests.matrix.random_routes import ACCESS, SETTINGS, build_app

POOL = FakeUserPool()
TEXT = write_snapshot(take_snapshot(build_usual_app(guard_for(POOL))))


@settings(max_examples=30)
@given(st.lists(ACCESS, max_size=4), SETTINGS)
def test_what_is_written_is_read_back(routes: Any, guard: dict[str, Any]) -> None:
    snapshot = take_snapshot(build_app(routes, **guard))
    text = write_snapshot(snapshot)
    assert read_snapshot(text) == snapshot
    assert write_snapshot(read_snapshot(text)) == text


def test_a_person_reads_a_line_for_each_route() -> None:
    assert "| `GET /scope` | `scope orders/read or orders/write` |" in TEXT
    assert "| `GET /public` | **anybody** |" in TEXT
    assert "| `WebSocket /ws` | `any user or client` |" in TEXT
    assert f"- Settings: `access tokens of {POOL.client_id} in {POOL.id}" in TEXT


def test_the_order_of_the_code_does_not_show() -> None:
    texts = []
    for paths in (["/b", "/a"], ["/a", "/b"]):
        app = FastAPI()
        guard_for(POOL).install(app)
        for path in paths:
            requirements = [require_group("x", "y"), require_claim("tier", "gold")]
            requirements = requirements if path == paths[0] else requirements[::-1]
            app.get(path, dependencies=[Depends(each) for each in requirements])(lambda: "ok")
        texts.append(write_snapshot(take_snapshot(app)))
    assert texts[0] == texts[1]


def test_a_changed_route_changes_two_lines() -> None:
    before, after = (build_usual_app(guard_for(POOL)) for _ in range(2))
    before.get("/new", dependencies=[Depends(require_group("a"))])(lambda: "ok")
    after.get("/new", dependencies=[Depends(require_group("b"))])(lambda: "ok")
    lines = [write_snapshot(take_snapshot(app)).splitlines() for app in (before, after)]
    assert sum(old != new for old, new in zip(*lines, strict=True)) == 2


@pytest.mark.parametrize("name", ["a|b", "a`b", "```", "a -->", "<script>", "--><script>", "é\u202e", "\\"])
def test_no_name_breaks_the_table_or_ends_the_comment(name: str) -> None:
    app = FastAPI()
    guard_for(POOL).install(app)
    required = [require_group(name), require(lambda user: True, name="own check")]
    app.get("/a", dependencies=[Depends(each) for each in required])(lambda: "ok")
    text = write_snapshot(take_snapshot(app))
    assert read_snapshot(text) == take_snapshot(app)
    _, _, comment = text.partition("<!-- cognito-guard matrix 1\n")
    assert comment.count("-->") == 1
    assert comment.endswith("\n-->\n")
    table = [line for line in text.splitlines() if line.startswith("| ") and "/a" in line]
    (row,) = table
    assert row.replace("\\|", "").count("|") == 3


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="Write it anew"):
        read_snapshot(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from(["guard", "route", "pools", "requirements", "nobody", "semantics", "leeway"]))
def test_facts_of_another_form_are_refused_or_read(value: Any, name: str) -> None:
    head, _, rest = TEXT.partition("<!-- cognito-guard matrix 1\n")
    lines = rest.removesuffix("\n-->\n").splitlines()
    for number, line in enumerate(lines):
        entry = json.loads(line)
        if name in entry:
            entry[name] = value
            lines[number] = json.dumps(entry)
    text = f"{head}<!-- cognito-guard matrix 1\n" + "\n".join(lines) + "\n-->\n"
    try:
        assert read_snapshot(text).routes
    except ConfigurationError as error:
        assert "Write it anew" in str(error)


@pytest.mark.parametrize("body", ["", "[]", "5", "{}", '{"route": "GET /"}', "[" * 100_000, '{"guard": NaN}'])
def test_facts_that_are_none_are_refused(body: str) -> None:
    with pytest.raises(ConfigurationError, match="Write it anew"):
        read_snapshot(f"<!-- cognito-guard matrix 1\n{body}\n-->\n")


def test_an_app_that_differs_from_its_reviewed_file_fails_by_name(tmp_path: Path) -> None:
    file = tmp_path / "authz.md"
    file.write_text(TEXT, encoding="utf-8")
    app = build_usual_app(guard_for(FakeUserPool(client_id="another"), leeway=5))
    assert_matrix(app, file)
    app.get("/new", dependencies=[Depends(require_group("a"))])(lambda: "ok")
    with pytest.raises(AssertionError, match=r"--write authz.md.\n  new GET /new: - -> group a"):
        assert_matrix(app, str(file))
    with pytest.raises(AssertionError, match=r"There is no .*nowhere.md here: write it"):
        assert_matrix(app, tmp_path / "nowhere.md")
