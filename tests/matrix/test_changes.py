"""The order of access: no change is called narrower, or the same, by which somebody gained access."""

from typing import Any

import pytest
from fastapi import Depends, FastAPI
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from fastapi_cognito_guard import (
    ANY_CLIENT,
    CognitoGuard,
    CurrentUser,
    OptionalUser,
    UserPool,
    require,
    require_group,
    require_level,
    require_scope,
)
from fastapi_cognito_guard.guard import installed_guard
from fastapi_cognito_guard.matrix import DOORS, Caller, Matrix, build_matrix, list_callers
from fastapi_cognito_guard.matrix.changes import Change, compare
from fastapi_cognito_guard.matrix.snapshot import take_snapshot
from fastapi_cognito_guard.testing import FakeUserPool, measure_matrix
from tests.matrix.random_routes import ACCESS, LEVELS, REQUIREMENTS, SETTINGS, USUAL, build_app

POOL = FakeUserPool()
REST = {"semantics": "rest", "gateway": "trust", "token_use": {"access", "id"}}


def list_all_callers(*apps: FastAPI) -> list[Caller]:
    """Return the callers that any of the apps tells apart."""
    return list({caller.name: caller for app in apps for caller in list_callers(app)}.values())


def find_gains(before: Matrix, after: Matrix) -> set[str]:
    """Return the callers who reach the function of a route after a change, and did not before."""
    pairs = zip(before.list_cells(), after.list_cells(), strict=True)
    return {
        caller.name
        for (_, caller, old), (_, _, new) in pairs
        if (new.allowed or new.code == "check") and not (old.allowed or old.code == "check")
    }


@settings(max_examples=50)
@given(ACCESS, ACCESS, SETTINGS)
@example(("user", []), ("user", [require_scope("o/r")]), REST)  # lets machines in, which have no ID token
@example(("user", []), ("user", [require_scope("o/r")]), {**USUAL, "semantics": "http", "token_use": {"id"}})
@example(
    ("none", [REQUIREMENTS[18]]), ("none", [REQUIREMENTS[1]]), REST
)  # an alternative becomes the only one
@example(("user", []), ("none", []), {**REST, "deny_by_default": True})  # which takes any type of token
@example(("iam", []), ("user", []), USUAL)
@example(("user", []), ("iam", []), USUAL)
@example(("user", []), ("none", []), USUAL)
@example(("none", []), ("user", []), {**USUAL, "gateway": "require"})
@example(("optional", []), ("user", []), {**USUAL, "gateway": "require"})
@example(("none", [require_group("a")]), ("user", []), USUAL)
def test_nobody_gains_access_by_a_change_that_is_not_called_wider(
    before: Any, after: Any, guard: dict[str, Any]
) -> None:
    old, new = build_app([before], **guard), build_app([after], **guard)
    changes = compare(take_snapshot(old), take_snapshot(new))
    callers = list_all_callers(old, new)
    for door in DOORS:
        matrices = [build_matrix(app, callers, door=door) for app in (old, new)]
        if gained := find_gains(*matrices):
            assert [change.is_wider for change in changes] == [True], (door, gained)


@settings(max_examples=5)
@given(ACCESS, ACCESS, SETTINGS, st.sampled_from(DOORS))
def test_nobody_gains_access_in_fact_by_a_change_that_is_not_called_wider(
    before: Any, after: Any, guard: dict[str, Any], door: Any
) -> None:
    old, new = build_app([before], **guard), build_app([after], **guard)
    callers = list_all_callers(old, new)
    if find_gains(*(measure_matrix(app, callers, door=door) for app in (old, new))):
        assert compare(take_snapshot(old), take_snapshot(new))[0].is_wider


@settings(max_examples=25)
@given(ACCESS, SETTINGS)
def test_the_same_app_has_no_changes(access: Any, guard: dict[str, Any]) -> None:
    assert compare(*(take_snapshot(build_app([access], **guard)) for _ in range(2))) == ()


def build(*dependencies: Any, path: str = "/orders", **guard: Any) -> FastAPI:
    app = FastAPI()
    settings = {"client_ids": {POOL.client_id}, **guard.pop("pool", {})}
    CognitoGuard(UserPool(POOL.id, **settings), **guard).install(app)
    app.get(path, dependencies=[Depends(each) for each in dependencies])(lambda: "ok")
    return app


def find_change(before: FastAPI, after: FastAPI) -> Change:
    (change,) = compare(take_snapshot(before), take_snapshot(after))
    return change


ADMINS, OWNERS, READ = require_group("admins"), require_group("admins", "owners"), require_scope("read")


@pytest.mark.parametrize(
    ("before", "after", "kind", "gained"),
    [
        ([ADMINS], [OWNERS], "wider", ("group owners",)),
        ([OWNERS], [ADMINS], "narrower", ()),
        ([ADMINS], [], "public", ("nobody", "any user", "machine")),
        ([], [ADMINS], "narrower", ()),
        ([ADMINS, READ], [ADMINS], "wider", ("group admins",)),
        ([ADMINS], [ADMINS, READ], "narrower", ()),
        ([ADMINS], [READ], "wider", ("scope read", "machine with all scopes")),
        ([ADMINS], [ADMINS | READ], "wider", ("scope read", "machine with all scopes")),
        ([ADMINS, OWNERS], [ADMINS], "same", ()),
        ([require_level(LEVELS[2])], [require_level(LEVELS[1])], "wider", (f"level {LEVELS[1]}",)),
        ([require_level(LEVELS[1])], [require_level(LEVELS[2])], "narrower", ()),
        (
            [require_level(LEVELS[1], max_age=60)],
            [require_level(LEVELS[1], max_age=90)],
            "wider",
            (f"level {LEVELS[1]}, 61 s old",),
        ),
    ],
    ids=str,
)
def test_a_change_says_for_whom(before: Any, after: Any, kind: str, gained: tuple[str, ...]) -> None:
    change = find_change(build(*before), build(*after))
    assert change.kind == kind
    assert set(gained) <= set(change.gained)
    assert (change.gained == ()) is (gained == ())


def test_a_route_that_becomes_optional_is_public() -> None:
    before, after = build(), build()

    @before.get("/me")
    async def read_me(user: CurrentUser) -> None: ...

    @after.get("/me")
    async def read_me_perhaps(user: OptionalUser) -> None: ...

    assert find_change(before, after)[:4] == ("public", "GET /me", "any user or client", "anybody")


def test_new_and_gone_routes_are_named() -> None:
    changes = compare(take_snapshot(build(ADMINS, path="/a")), take_snapshot(build(OWNERS, path="/b")))
    assert [(change.kind, change.where) for change in changes] == [("new", "GET /b"), ("gone", "GET /a")]
    assert changes[0].gained == ("group admins", "group owners")
    assert changes[1].lost == ("group admins",)


def test_a_new_route_that_anybody_may_call_is_public() -> None:
    change, _ = compare(take_snapshot(build(ADMINS, path="/a")), take_snapshot(build(path="/b")))
    assert change[:2] == ("public", "GET /b")
    assert change.is_wider


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({}, {"pool": {"client_ids": {POOL.client_id, "another"}}}, "wider"),
        ({"pool": {"client_ids": {POOL.client_id, "another"}}}, {}, "narrower"),
        ({}, {"pool": {"client_ids": ANY_CLIENT}}, "wider"),
        ({}, {"pool": {"token_use": {"access", "id"}}}, "wider"),
        ({"pool": {"resource": "https://a.example"}}, {}, "wider"),
        ({}, {"pool": {"resource": "https://a.example"}}, "narrower"),
        ({}, {"leeway": 30}, "wider"),
        ({}, {"semantics": "rest"}, "wider"),
        ({"gateway": "verify"}, {}, "wider"),
        ({}, {"pools": lambda issuer: None}, "wider"),
    ],
)
def test_other_tokens_are_a_change(before: dict[str, Any], after: dict[str, Any], kind: str) -> None:
    change = find_change(build(ADMINS, **before), build(ADMINS, **after))
    assert (change.kind, change.where) == (kind, "settings of the guard")
    assert change.before != change.after


def test_turning_deny_by_default_off_is_found() -> None:
    route, setting = compare(take_snapshot(build(deny_by_default=True)), take_snapshot(build()))
    before = "any user or client (asked for by deny_by_default)"
    assert route[:4] == ("public", "GET /orders", before, "anybody")
    assert setting[:2] == ("wider", "settings of the guard")


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("/orders/{id}", "/orders/{number}", "wider"),
        ("/orders/{id:int}", "/orders/{number:int}", "wider"),
        ("/orders/{id}", "/orders/{id:int}", "new"),
        ("/files/{rest:path}", "/files/{name:path}", "wider"),
    ],
)
def test_another_name_in_a_path_hides_no_wider_access(before: str, after: str, kind: str) -> None:
    changes = compare(take_snapshot(build(ADMINS, path=before)), take_snapshot(build(OWNERS, path=after)))
    assert changes[0].kind == kind
    if kind == "wider":
        assert changes[0].before == f"GET {before}: group admins"


def test_other_methods_hide_no_wider_access() -> None:
    before, after = build(path="/x"), build(path="/x")
    before.api_route("/orders", methods=["GET", "POST"], dependencies=[Depends(ADMINS)])(lambda: "ok")
    after.get("/orders", dependencies=[Depends(ADMINS)])(lambda: "ok")
    after.post("/orders", dependencies=[Depends(OWNERS)])(lambda: "ok")
    found = {change.where: change.kind for change in compare(take_snapshot(before), take_snapshot(after))}
    assert found == {"GET /orders": "same", "POST /orders": "wider"}
    back = {change.before: change.kind for change in compare(take_snapshot(after), take_snapshot(before))}
    assert back["POST /orders: group admins or owners"] == "narrower"


def test_a_mounted_app_that_becomes_a_route_is_compared() -> None:
    before, after = build(path="/x"), build(path="/x")
    guard = installed_guard(before)
    before.mount("/plain", guard.protect(PlainTextResponse(""), ADMINS))
    after.get("/plain/{name:path}", dependencies=[Depends(OWNERS)])(lambda: "ok")
    (change,) = compare(take_snapshot(before), take_snapshot(after))
    assert change[:2] == ("wider", "GET /plain/{name:path}")


def test_a_websocket_is_no_other_method() -> None:
    before, after = build(path="/x"), build(path="/x")
    before.websocket("/live", dependencies=[Depends(ADMINS)])(lambda: None)
    after.get("/live", dependencies=[Depends(OWNERS)])(lambda: "ok")
    kinds = [change.kind for change in compare(take_snapshot(before), take_snapshot(after))]
    assert kinds == ["new", "gone"]


OWNER = require(lambda user: False, name="owner")


@pytest.mark.parametrize(
    ("before", "after", "gained", "lost"),
    [
        ([OWNER], [OWNER | require_group("staff")], ("group staff (without the check)",), ()),
        ([ADMINS], [ADMINS | OWNER], ("any user (if the check agrees)",), ()),
        ([ADMINS, OWNER], [ADMINS], ("group admins (without the check)",), ()),
        ([ADMINS], [ADMINS, OWNER], (), ("group admins (unless the check agrees)",)),
        ([OWNER], [ADMINS], ("group admins (without the check)",), ("any user (if the check agreed)",)),
    ],
)
def test_a_change_says_what_a_check_decides(
    before: Any, after: Any, gained: tuple[str, ...], lost: tuple[str, ...]
) -> None:
    change = find_change(build(*before), build(*after))
    assert set(gained) <= set(change.gained)
    assert set(lost) <= set(change.lost)


@pytest.mark.parametrize(
    ("requirements", "words"),
    [
        ([ADMINS, OWNERS | READ], "group admins and (group admins or owners or scope read)"),
        ([OWNERS, READ], "(group admins or owners) and scope read"),
        ([OWNERS], "group admins or owners"),
        ([OWNER], "check owner"),
        ([OWNER | ADMINS, READ], "(check owner or group admins) and scope read"),
    ],
)
def test_words_have_one_reading(requirements: Any, words: str) -> None:
    found = take_snapshot(build(*requirements)).routes["GET /orders"].words
    assert sorted(found.split(" and ")) == sorted(words.split(" and "))


def test_an_optional_user_under_deny_by_default_is_told_from_a_required_one() -> None:
    before, after = build(path="/x", deny_by_default=True), build(path="/x", deny_by_default=True)

    @before.get("/me")
    async def read_me(user: CurrentUser) -> None: ...

    @after.get("/me")
    async def read_me_perhaps(user: OptionalUser) -> None: ...

    change = find_change(before, after)
    assert (change.kind, change.after) == ("same", "any user or client (asked for by deny_by_default)")


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({"deny_by_default": True}, {}, "wider"),
        ({}, {"deny_by_default": True}, "narrower"),
        ({"deny_by_default": True}, {"deny_by_default": True, "public": ["/openapi.json"]}, "wider"),
        ({"gateway": "trust"}, {"gateway": "require"}, "narrower"),
        ({"gateway": "trust"}, {"gateway": "verify"}, "narrower"),
        ({"gateway": "require"}, {"gateway": "trust"}, "wider"),
        ({"gateway": "trust"}, {"gateway": "ignore"}, "wider"),
    ],
)
def test_settings_that_open_more_are_wider(before: dict[str, Any], after: dict[str, Any], kind: str) -> None:
    changes = compare(take_snapshot(build(ADMINS, **before)), take_snapshot(build(ADMINS, **after)))
    assert [change.kind for change in changes if change.where == "settings of the guard"] == [kind]


def test_a_mount_that_another_guard_takes_over_is_wider() -> None:
    """Another guard takes other tokens, which requirements do not show."""
    apps = [build(path="/x"), build(path="/x")]
    guards = [installed_guard(app) for app in apps]
    bound = guards[0].for_resource("https://api.example.com/mcp")
    apps[0].mount("/mcp", bound.protect(PlainTextResponse(""), READ))
    apps[1].mount("/mcp", guards[1].protect(PlainTextResponse(""), READ))
    found = {change.where: change.kind for change in compare(*map(take_snapshot, apps))}
    assert found["any method /mcp/{rest:path}"] == "wider"
