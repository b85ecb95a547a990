"""What no gateway can say is refused, and the refusal names the route or the setting, and what to do."""

from typing import Any

import pytest
from fastapi import Depends, FastAPI

from fastapi_cognito_guard import require_scope
from fastapi_cognito_guard.deploy import export
from fastapi_cognito_guard.errors import ConfigurationError
from tests.deploy.exporting import (
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
    app_with,
    exported,
    refused,
    security,
)

ME = {"GET /me": [USER]}
ELEVEN = [f"o/{number}" for number in range(11)]
LONG = "o/" + "x" * 63


def test_an_app_without_a_guard_is_refused() -> None:
    error = refused(FastAPI())
    assert "This app has no guard: write guard.install(app)" in str(error)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("demands", "named"),
    [
        ([READ, WRITE], "require_scope('o/r') and require_scope('o/w')"),
        ([ADMINS, OWNERS], "require_group('admins') and require_group('owners')"),
    ],
    ids=["scopes", "groups"],
)
def test_all_of_several_is_refused(demands: list[Any], named: str, kind: str) -> None:
    app = app_with({"PUT /both": demands})
    error = refused(app, kind)
    assert str(error).startswith(f"PUT /both asks for {named}, and a gateway knows one list")
    assert 'beyond="app"' in str(error)
    assert "authorizer_arn" in str(error)
    assert exported(app, kind, beyond="app")
    assert exported(app, kind, authorizer_arn=AUTHORIZER)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("more", [{}, {"authorizer_arn": AUTHORIZER}], ids=["", "lambda"])
def test_an_iam_caller_and_a_user_on_one_route_is_refused(kind: str, more: dict[str, Any]) -> None:
    error = refused(app_with({"GET /both": [IAM, USER]}), kind, **more)
    assert str(error).startswith("GET /both asks for a user of the pool and for an IAM caller")
    assert "make two routes of it" in str(error)


@pytest.mark.parametrize(("kind", "what"), [("http", "routes"), ("rest", "resources")])
def test_more_than_the_quota_is_refused(kind: str, what: str) -> None:
    more = 300 if kind == "rest" else 301  # a REST API has the root besides
    app = app_with({f"GET /r{number}": [READ] for number in range(more)})
    error = refused(app, kind)
    assert error.setting == "quota"
    assert f"The API would have 301 {what}, and 300 is the quota" in str(error)
    assert "give quota=301" in str(error)
    assert exported(app, kind, quota=301)


def test_a_rest_api_counts_each_part_of_a_path_once_and_an_http_api_each_method() -> None:
    app = app_with({"GET /a/b/c": [READ], "PUT /a/b/d": [READ], "GET /a/b/d": [READ]})
    assert "have 5 resources" in str(refused(app, "rest", quota=1))  # /, /a, /a/b, and two below
    assert "have 3 routes" in str(refused(app, "http", quota=1))


def test_a_document_that_is_too_large_to_import_is_refused() -> None:
    large = {"lambda_arn": "${Function.Arn}" + "x" * 6 * 1024 * 1024}
    assert "more than the 6 MB that can be imported: split the app" in str(refused(app_with(ME), **large))


def test_a_title_that_is_too_long_for_a_name_is_refused() -> None:
    app = app_with(ME)
    app.title = "x" * 129
    error = refused(app)
    assert error.setting == "title"
    assert "more than 128 characters: shorten it" in str(error)
    app.title = "x" * 128
    assert exported(app)["info"]["title"] == "x" * 128


def test_more_scopes_than_an_http_apis_route_has_are_refused() -> None:
    app = app_with({"GET /many": [Depends(require_scope(*ELEVEN))]})
    error = refused(app)
    assert str(error).startswith("GET /many names 11 scopes; an HTTP API's route has at most 10.")
    assert 'export kind="rest", or let lambda_authorizer decide: authorizer_for="all"' in str(error)
    assert exported(app, "rest")
    assert exported(app, authorizer_arn=AUTHORIZER, authorizer_for="all")


def test_a_scope_that_is_too_long_for_an_http_api_is_refused() -> None:
    app = app_with({"GET /long": [Depends(require_scope(LONG))]})
    error = refused(app)
    assert str(error).startswith(f"GET /long: the scope '{LONG}' has more than the 64 characters")
    assert "Choose a shorter identifier for the resource server" in str(error)
    assert exported(app, "rest")


@pytest.mark.parametrize(
    ("scopes", "said"), [(ELEVEN, "catch_all names 11 scopes"), ([LONG], "catch_all: the scope")]
)
def test_scopes_for_all_that_are_too_many_or_too_long_are_the_settings_fault(
    scopes: list[str], said: str
) -> None:
    assert str(refused(app_with(ME), catch_all=scopes)).startswith(said)


@pytest.mark.parametrize("given", ["openid", ["a b"], [""], [7], {'a"'}], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_scopes_for_all_are_a_list_of_scopes(given: Any, kind: str) -> None:
    error = refused(app_with(ME), kind, catch_all=given)
    assert (error.setting, str(error)) == ("catch_all", 'catch_all lists scopes: catch_all=["openid"].')


@pytest.mark.parametrize(
    ("path", "segment", "remedy"),
    [("/café", "café", "/café"), ("/@me/{n:int}", "@me", "/@me/{n}"), ("/x/a%20b", "a%20b", "/x/a%20b")],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_path_with_characters_that_no_gateway_takes_is_refused(
    kind: str, path: str, segment: str, remedy: str
) -> None:
    app = app_with({f"GET {path}": [USER]})
    error = refused(app, kind)
    assert str(error).startswith(f"GET {path}: ")
    assert f"in a path, and '{segment}' has others. Rename it" in str(error)
    assert f'leave_out=["{remedy}"]' in str(error)
    assert exported(app, kind, leave_out=[remedy])


@pytest.mark.parametrize("kind", KINDS)
def test_a_method_that_no_gateway_knows_is_refused(kind: str) -> None:
    error = refused(app_with({"TRACE /me": [USER]}), kind)
    assert str(error).startswith("TRACE /me: a gateway knows the methods GET, HEAD, ")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("first", "second", "at"),
    [
        ("/a/{n:int}", "/a/{id}", "/a/{n}"),
        ("/a/{id}.pdf", "/a/{id}", "/a/{id}"),
        ("/a/{x:path}/end", "/a/{rest:path}", "/a/{x+}"),
        ("/{x}/{id}", "/a/{rest:path}", "/a/{rest+}"),
    ],
    ids=["a converter", "a part of a segment", "an end", "only one segment of many"],
)
def test_routes_that_are_one_to_a_gateway_and_ask_differently_are_refused(
    first: str, second: str, at: str, kind: str
) -> None:
    error = refused(app_with({f"GET {first}": [USER], f"GET {second}": [READ]}), kind)
    assert str(error).startswith(f"GET {first} and GET {second} are both GET {at} to a gateway")
    assert "give them paths of their own, or the same requirements" in str(error)
    assert exported(app_with({f"GET {first}": [READ], f"GET {second}": [READ]}), kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("first", "second", "more", "told_apart"),
    [
        ([USER], [], {}, True),
        ([IAM], [], {}, True),
        ([OPTIONAL], [], {}, False),
        ([ADMINS], [OWNERS], {}, False),
        ([ADMINS], [OWNERS], {"authorizer_arn": AUTHORIZER}, True),
        ([ADMINS], [USER], {"authorizer_arn": AUTHORIZER}, True),
    ],
    ids=["user and open", "iam and open", "optional and open", "groups", "groups by lambda", "one by lambda"],
)
def test_only_what_a_gateway_tells_apart_is_refused(
    first: list[Any], second: list[Any], more: dict[str, Any], told_apart: bool, kind: str
) -> None:
    app = app_with({"GET /a/{n:int}": first, "GET /a/{id}": second})
    if told_apart:
        assert "are both GET /a/{n} to a gateway" in str(refused(app, kind, **more))
    else:
        assert exported(app, kind, **more)


@pytest.mark.parametrize("order", [1, -1], ids=["slash last", "slash first"])
def test_with_a_slash_at_the_end_and_without_are_one_to_a_rest_api(order: int) -> None:
    app = app_with(dict([("GET /a", [USER]), ("GET /a/", [READ])][::order]))
    assert "are both GET /a to a gateway" in str(refused(app, "rest"))
    assert security(exported(app)) == {"GET /a": [{"Cognito": []}], "GET /a/": [{"Cognito": ["o/r"]}]}


@pytest.mark.parametrize("order", [1, -1], ids=["greedy last", "greedy first"])
def test_variables_of_two_kinds_in_one_place_are_refused_for_a_rest_api(order: int) -> None:
    paths = ["/a/{id}", "/a/{rest:path}"][::order]
    app = app_with({f"GET {path}": [USER] for path in paths})
    error = refused(app, "rest")
    assert "/a/{id}" in str(error)
    assert "/a/{rest+}" in str(error)
    assert 'change one path, or export kind="http"' in str(error)


def test_a_lambda_authorizer_for_all_must_be_named() -> None:
    """Left out, the gateway's own authorizer would decide after all, and nobody would know."""
    error = refused(app_with(ME), authorizer_for="all")
    assert error.setting == "authorizer_arn"
    assert "authorizer_arn, which is missing: give its ARN, or drop authorizer_for" in str(error)


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("authorizer_for", "some", "authorizer_for is one of 'beyond', 'all'."),
        ("beyond", "ignore", "beyond is one of 'refuse', 'app'."),
        ("quota", 0, "quota is a whole number, 1 or more."),
        ("quota", True, "quota is a whole number, 1 or more."),
        *(
            ("leave_out", value, 'leave_out lists paths: leave_out=["/docs", "/docs/*"].')
            for value in ("/docs", ["docs"], [7], None)
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named(setting: str, value: Any, said: str) -> None:
    error = refused(app_with(ME), **{setting: value})
    assert (error.setting, str(error)) == (setting, said)


def test_there_are_two_kinds() -> None:
    with pytest.raises(ConfigurationError, match="kind is one of 'rest', 'http'"):
        export(app_with(ME), "websocket", lambda_arn=FUNCTION)  # type: ignore[arg-type]  # that is the test


def test_nothing_is_logged_of_a_document_that_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    refused(app_with({"GET /open": [], **ME}), "rest", user_pool_arn=None)
    assert not [record for record in caplog.records if record.name == "fastapi_cognito_guard.export"]
