"""Errors of an export: each names the route or the setting, and the next step."""

import json
from typing import Any

import pytest
from fastapi import Depends, FastAPI

from fastapi_cognito_guard import require_scope
from fastapi_cognito_guard.deploy import export
from fastapi_cognito_guard.errors import ConfigurationError
from tests.deploy.exports import (
    ADMINS,
    AUTHORIZER,
    FUNCTION,
    IAM,
    KINDS,
    OPTIONAL,
    OWNERS,
    READ,
    USER,
    WRITE,
    build_app,
    expect_error,
    export_document,
    list_security,
)

ME = {"GET /me": [USER]}
ELEVEN = [f"o/{number}" for number in range(11)]
LONG = "o/" + "x" * 63


def test_an_app_without_a_guard_is_refused() -> None:
    error = expect_error(FastAPI())
    assert "This app has no guard: write guard.install(app)" in str(error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("dependencies", "requirements"),
    [
        ([READ, WRITE], "require_scope('o/r') and require_scope('o/w')"),
        ([ADMINS, OWNERS], "require_group('admins') and require_group('owners')"),
    ],
    ids=["scopes", "groups"],
)
def test_several_lists_of_scopes_or_groups_are_refused(
    dependencies: list[Any], requirements: str, kind: str
) -> None:
    app = build_app({"PUT /both": dependencies})
    error = expect_error(app, kind)
    assert str(error).startswith(f"PUT /both has {requirements}, and a gateway can check one list")
    assert 'beyond="app"' in str(error)
    assert "authorizer_arn" in str(error)
    assert export_document(app, kind, beyond="app")
    assert export_document(app, kind, authorizer_arn=AUTHORIZER)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [{}, {"authorizer_arn": AUTHORIZER}], ids=["", "lambda"])
def test_an_iam_caller_and_a_user_on_one_route_is_refused(kind: str, more: dict[str, Any]) -> None:
    error = expect_error(build_app({"GET /both": [IAM, USER]}), kind, **more)
    assert str(error).startswith("GET /both requires a user of the pool and an IAM caller")
    assert "split it into two routes" in str(error)


def test_a_rest_api_cannot_open_one_of_two_routes_that_differ_by_a_slash() -> None:
    routes: dict[str, list[Any]] = {"GET /a": [], "GET /a/": []}
    error = expect_error(build_app(routes, deny_by_default=True, public=["/a"]), "rest")
    assert str(error).startswith("GET /a and GET /a/ are both GET /a to a gateway")
    assert "(in public, too)" in str(error)
    both = build_app(routes, deny_by_default=True, public=["/a", "/a/"])
    assert list_security(export_document(both, "rest"))["GET /a"] == []
    one = export_document(build_app(routes, deny_by_default=True, public=["/a"]), "http")
    assert [bool(list_security(one)[f"GET /a{end}"]) for end in ("", "/")] == [False, True]


@pytest.mark.parametrize(("kind", "counted"), [("http", "routes"), ("rest", "resources")])
def test_more_than_the_quota_is_refused(kind: str, counted: str) -> None:
    more = 300 if kind == "rest" else 301  # a REST API also has the root
    app = build_app({f"GET /r{number}": [READ] for number in range(more)})
    error = expect_error(app, kind)
    assert error.setting == "quota"
    assert f"The API would have 301 {counted}, and 300 is the quota" in str(error)
    assert "give quota=301" in str(error)
    assert export_document(app, kind, quota=301)


def test_a_rest_api_counts_each_part_of_a_path_once_and_an_http_api_each_method() -> None:
    app = build_app({"GET /": [READ], "GET /a/b/c": [READ], "PUT /a/b/d": [READ], "GET /a/b/d": [READ]})
    assert "have 5 resources" in str(expect_error(app, "rest", quota=1))  # /, /a, /a/b, and two below
    assert "have 4 routes" in str(expect_error(app, "http", quota=1))


def test_a_document_too_large_to_import_is_refused() -> None:
    app, arn = build_app(ME), "${Function.Arn}"
    document = export_document(app, lambda_arn=arn)
    del document["components"]  # not counted
    room = 6 * 1024 * 1024 - len(json.dumps(document))
    assert export_document(app, lambda_arn=arn + "x" * room)
    large = {"lambda_arn": arn + "x" * (room + 1)}
    assert "more than the 6 MB that can be imported: split the app" in str(
        expect_error(build_app(ME), **large)
    )


def test_a_title_too_long_for_an_api_name_is_refused() -> None:
    app = build_app(ME)
    app.title = "x" * 129
    error = expect_error(app)
    assert error.setting == "title"
    assert "more than 128 characters: shorten it" in str(error)
    app.title = "x" * 128
    assert export_document(app)["info"]["title"] == "x" * 128


def test_too_many_scopes_for_an_http_api_are_refused() -> None:
    app = build_app({"GET /many": [Depends(require_scope(*ELEVEN))]})
    error = expect_error(app)
    assert str(error).startswith("GET /many names 11 scopes; an HTTP API's route has at most 10.")
    assert 'export kind="rest", or let lambda_authorizer decide: authorizer_for="all"' in str(error)
    assert export_document(app, "rest")
    assert export_document(app, authorizer_arn=AUTHORIZER, authorizer_for="all")
    assert export_document(build_app({"GET /ten": [Depends(require_scope(*ELEVEN[:10]))]}))


def test_a_scope_too_long_for_an_http_api_is_refused() -> None:
    app = build_app({"GET /long": [Depends(require_scope(LONG))]})
    error = expect_error(app)
    assert str(error).startswith(f"GET /long: the scope '{LONG}' has more than the 64 characters")
    assert "Choose a shorter identifier for the resource server" in str(error)
    assert export_document(app, "rest")
    assert export_document(build_app({"GET /longest": [Depends(require_scope(LONG[:64]))]}))


@pytest.mark.parametrize(
    ("scopes", "message"), [(ELEVEN, "catch_all names 11 scopes"), ([LONG], "catch_all: the scope")]
)
def test_too_many_or_too_long_catch_all_scopes_name_the_setting(scopes: list[str], message: str) -> None:
    assert str(expect_error(build_app(ME), catch_all=scopes)).startswith(message)


@pytest.mark.parametrize("scopes", ["openid", ["a b"], [""], [7], {'a"'}], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_catch_all_that_is_no_list_of_scopes_is_refused(scopes: Any, kind: str) -> None:
    error = expect_error(build_app(ME), kind, catch_all=scopes)
    assert (error.setting, str(error)) == ("catch_all", 'catch_all lists scopes: catch_all=["openid"].')


@pytest.mark.parametrize(
    ("path", "segment", "path_format"),
    [("/café", "café", "/café"), ("/@me/{n:int}", "@me", "/@me/{n}"), ("/x/a%20b", "a%20b", "/x/a%20b")],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_path_with_invalid_characters_is_refused(
    kind: str, path: str, segment: str, path_format: str
) -> None:
    app = build_app({f"GET {path}": [USER]})
    error = expect_error(app, kind)
    assert str(error).startswith(f"GET {path}: ")
    assert f"in a path, and '{segment}' has others. Rename it" in str(error)
    assert f'leave_out=["{path_format}"]' in str(error)
    assert export_document(app, kind, leave_out=[path_format])


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_method_is_refused(kind: str) -> None:
    error = expect_error(build_app({"TRACE /me": [USER]}), kind)
    assert str(error).startswith("TRACE /me: a gateway knows the methods GET, HEAD, ")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("first", "second", "gateway_path"),
    [
        ("/a/{n:int}", "/a/{id}", "/a/{n}"),
        ("/a/{id}.pdf", "/a/{id}", "/a/{id}"),
        ("/a/{x:path}/end", "/a/{rest:path}", "/a/{x+}"),
        ("/{x}/{id}", "/a/{rest:path}", "/a/{rest+}"),
    ],
    ids=["a converter", "part of a segment", "after a greedy variable", "one segment"],
)
def test_routes_with_one_gateway_path_and_different_requirements_are_refused(
    first: str, second: str, gateway_path: str, kind: str
) -> None:
    error = expect_error(build_app({f"GET {first}": [USER], f"GET {second}": [READ]}), kind)
    assert str(error).startswith(f"GET {first} and GET {second} are both GET {gateway_path} to a gateway")
    assert "give them paths of their own, or the same requirements" in str(error)
    assert export_document(build_app({f"GET {first}": [READ], f"GET {second}": [READ]}), kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("first", "second", "more", "distinguished"),
    [
        ([USER], [], {}, True),
        ([IAM], [], {}, True),
        ([USER], [USER, IAM], {}, True),
        ([OPTIONAL], [], {}, False),
        ([ADMINS], [OWNERS], {}, False),
        ([ADMINS], [OWNERS], {"authorizer_arn": AUTHORIZER}, True),
        ([ADMINS], [USER], {"authorizer_arn": AUTHORIZER}, True),
    ],
    ids=[
        "user and open",
        "iam and open",
        "user and both",
        "optional and open",
        "groups",
        "groups by lambda",
        "one by lambda",
    ],
)
def test_only_requirements_that_the_gateway_distinguishes_are_refused(
    first: list[Any], second: list[Any], more: dict[str, Any], distinguished: bool, kind: str
) -> None:
    app = build_app({"GET /a/{n:int}": first, "GET /a/{id}": second})
    if distinguished:
        assert "are both GET /a/{n} to a gateway" in str(expect_error(app, kind, **more))
    else:
        assert export_document(app, kind, **more)


@pytest.mark.parametrize("order", [1, -1], ids=["slash last", "slash first"])
def test_paths_that_differ_by_a_trailing_slash_are_one_path_of_a_rest_api(order: int) -> None:
    app = build_app(dict([("GET /a", [USER]), ("GET /a/", [READ])][::order]))
    assert "are both GET /a to a gateway" in str(expect_error(app, "rest"))
    assert list_security(export_document(app)) == {
        "GET /a": [{"Cognito": []}],
        "GET /a/": [{"Cognito": ["o/r"]}],
    }


@pytest.mark.parametrize("order", [1, -1], ids=["greedy last", "greedy first"])
def test_plain_and_greedy_variables_in_one_place_are_refused_for_a_rest_api(order: int) -> None:
    paths = ["/a/{id}", "/a/{rest:path}"][::order]
    app = build_app({f"GET {path}": [USER] for path in paths})
    error = expect_error(app, "rest")
    assert "/a/{id}" in str(error)
    assert "/a/{rest+}" in str(error)
    assert 'change one path, or export kind="http"' in str(error)


def test_authorizer_for_all_needs_an_authorizer() -> None:
    """Without this error the gateway's own authorizer would decide instead, unnoticed."""
    error = expect_error(build_app(ME), authorizer_for="all")
    assert error.setting == "authorizer_arn"
    assert "authorizer_arn, which is missing: give its ARN, or drop authorizer_for" in str(error)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("authorizer_for", "some", "authorizer_for is one of 'beyond', 'all'."),
        ("beyond", "ignore", "beyond is one of 'refuse', 'app'."),
        ("quota", 0, "quota is a whole number, 1 or more."),
        ("quota", True, "quota is a whole number, 1 or more."),
        *(
            ("leave_out", value, 'leave_out lists paths: leave_out=["/docs", "/docs/*"].')
            for value in ("/docs", "/", ["docs"], [7], None)
        ),
    ],
)
def test_an_invalid_setting_is_named(setting: str, value: Any, message: str) -> None:
    error = expect_error(build_app(ME), **{setting: value})
    assert (error.setting, str(error)) == (setting, message)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="kind is one of 'rest', 'http'"):
        export(build_app(ME), "websocket", lambda_arn=FUNCTION)  # type: ignore[arg-type]


def test_nothing_is_logged_if_the_export_fails(caplog: pytest.LogCaptureFixture) -> None:
    expect_error(build_app({"GET /open": [], **ME}), "rest", user_pool_arn=None)
    assert not [record for record in caplog.records if record.name == "fastapi_cognito_guard.export"]
