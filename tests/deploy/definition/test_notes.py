"""Notes of an export: open operations, checks left to the app, and warnings."""

import logging
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from starlette.middleware.cors import CORSMiddleware

from fastapi_cognito_guard import UserPool
from tests.deploy.exports import (
    ADMINS,
    AUTHORIZER,
    GOLD,
    IAM,
    OPTIONAL,
    POOL,
    READ,
    USER,
    WRITE,
    build_app,
    export_document,
)


class Notes:
    """Messages that `export` logs, by level."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def export_at(self, level: int, app: FastAPI, kind: str = "http", **options: Any) -> list[str]:
        self._caplog.clear()
        export_document(app, kind, **options)
        return [
            message
            for name, message_level, message in self._caplog.record_tuples
            if (name, message_level) == ("fastapi_cognito_guard.export", level)
        ]

    def info(self, app: FastAPI, kind: str = "http", **options: Any) -> list[str]:
        return self.export_at(logging.INFO, app, kind, **options)

    def warnings(self, app: FastAPI, kind: str = "http", **options: Any) -> list[str]:
        return self.export_at(logging.WARNING, app, kind, **options)


@pytest.fixture
def notes(caplog: pytest.LogCaptureFixture) -> Notes:
    return Notes(caplog)


def test_nothing_is_logged_if_the_gateway_decides_all(notes: Notes) -> None:
    app = build_app({"GET /me": [USER], "GET /orders": [READ], "GET /iam": [IAM]})
    assert notes.info(app) == notes.warnings(app) == []


def test_an_open_operation_is_noted_but_not_again_for_head(notes: Notes) -> None:
    app = build_app({"GET /open": [], "HEAD /open": [], "GET /maybe": [OPTIONAL], "GET /x/{n:int}": []})
    assert notes.info(app) == [
        "GET /open is open: it asks for nothing.",
        "GET /maybe is open at the gateway: a token is optional there, and the app verifies it.",
        "GET /x/{n} is open: GET /x/{n:int} asks for nothing.",
    ]


def test_checks_that_only_the_app_makes_are_noted(notes: Notes) -> None:
    app = build_app({"GET /group": [ADMINS], "GET /both": [READ, GOLD]})
    both = "require_claim('tier', 'gold') and require_scope('o/r')"
    assert notes.info(app) == [
        "GET /group: the gateway cannot decide all of require_group('admins'); the app does.",
        f"GET /both: the gateway cannot decide all of {both}; the app does.",
    ]
    assert notes.info(app, authorizer_arn=AUTHORIZER) == []


def test_scopes_left_to_the_app_are_noted(notes: Notes) -> None:
    (note,) = notes.info(build_app({"GET /both": [READ, WRITE]}), beyond="app")
    assert "cannot decide all of require_scope('o/r') and require_scope('o/w')" in note


def test_routes_that_no_gateway_can_have_are_noted(notes: Notes) -> None:
    app = build_app({"GET /me": [USER]})

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None: ...

    async def hidden(scope: Any, receive: Any, send: Any) -> None: ...

    app.mount("", hidden)
    live_note, mount_note = notes.info(app)
    assert live_note == "WebSocket /live is left out: a REST or HTTP API cannot have it."
    assert mount_note.startswith("a route to function is left out")


@pytest.mark.parametrize(
    ("kind", "route", "allowed", "noted"),
    [
        ("rest", "OPTIONS /me", {"allow_origins": ["https://shop.example"]}, True),
        ("rest", "GET /me", {"allow_origins": ["https://shop.example"]}, False),
        ("http", "OPTIONS /me", {"allow_origin_regex": ".*"}, True),
        ("http", "OPTIONS /me", {"allow_origins": ["https://shop.example"]}, False),
    ],
    ids=["rest", "no options", "http", "http answers itself"],
)
def test_options_routes_that_are_opened_for_preflights_are_noted(
    notes: Notes, kind: str, route: str, allowed: Any, noted: bool
) -> None:
    app = build_app({route: [READ], "POST /me": [READ]})
    app.add_middleware(CORSMiddleware, **allowed)
    assert [note[:30] for note in notes.info(app, kind)] == ["OPTIONS is open at the gateway"] * noted


@pytest.mark.parametrize(
    ("kind", "path", "gateway_path"),
    [
        ("http", "/a/{id}.pdf", "/a/{id}"),
        ("http", "/a/{x}-{y}", "/a/{x}"),
        ("http", "/{path:path}/end", "/{path+}"),
        ("rest", "/a/", "/a"),
    ],
)
def test_a_path_that_matches_more_at_the_gateway_is_a_warning(
    notes: Notes, kind: str, path: str, gateway_path: str
) -> None:
    warning, *_ = notes.warnings(build_app({f"GET {path}": [READ]}), kind)
    assert (
        warning == f"GET {path} becomes {gateway_path} at the gateway, which takes more paths than the app."
    )


@pytest.mark.parametrize("path", ["/a/{n:int}", "/a/{f:float}", "/a/{id:uuid}", "/a/{rest:path}", "/", "/a"])
@pytest.mark.parametrize("kind", ["rest", "http"])
def test_a_variable_that_is_a_whole_segment_is_no_warning(notes: Notes, kind: str, path: str) -> None:
    assert notes.warnings(build_app({f"GET {path}": [READ]}), kind) == []


def test_a_renamed_variable_is_no_warning(notes: Notes) -> None:
    assert notes.warnings(build_app({"GET /a/{id}": [READ], "PUT /a/{number}": [READ]}), "rest") == []


def make_strict(**pool: Any) -> dict[str, Any]:
    return {"pools": [UserPool(POOL.id, client_ids={"web"}, **pool)]}


@pytest.mark.parametrize(
    ("settings", "kind", "options", "warned"),
    [
        (make_strict(), "rest", {}, True),
        (make_strict(), "rest", {"catch_all": ["openid"]}, False),
        (make_strict(), "rest", {"authorizer_arn": AUTHORIZER, "authorizer_for": "all"}, False),
        (make_strict(token_use={"id", "access"}), "rest", {}, False),
        (
            {"pools": [POOL, UserPool("eu-west-1_Other", client_ids={"web"}, token_use={"id"})]},
            "rest",
            {},
            False,
        ),
        ({"semantics": "rest"}, "rest", {}, False),
        (make_strict(), "http", {}, False),
    ],
    ids=["access only", "catch_all", "lambda", "id too", "id at one pool", "semantics of rest", "http"],
)
def test_token_types_that_differ_between_a_rest_api_and_the_app_are_a_warning(
    notes: Notes, settings: Any, kind: str, options: Any, warned: bool
) -> None:
    found = notes.warnings(build_app({"GET /me": [USER], "GET /orders": [READ]}, **settings), kind, **options)
    assert [warning[:47] for warning in found] == ["A REST API takes only ID tokens at GET /me, whi"] * warned


def test_a_long_list_of_operations_is_cut(notes: Notes) -> None:
    (warning,) = notes.warnings(build_app({f"GET /r{number}": [USER] for number in range(7)}), "rest")
    assert "at GET /r0, GET /r1, GET /r2, GET /r3, GET /r4 and 2 more, which" in warning
    assert "Give catch_all=[...] with scopes" in warning


def test_a_list_of_five_operations_is_not_cut(notes: Notes) -> None:
    (warning,) = notes.warnings(build_app({f"GET /r{number}": [USER] for number in range(5)}), "rest")
    assert "at GET /r0, GET /r1, GET /r2, GET /r3, GET /r4, which" in warning


def test_catch_all_with_an_app_that_takes_id_tokens_is_a_warning(notes: Notes) -> None:
    app = build_app({"GET /me": [USER]}, semantics="rest")
    (warning,) = notes.warnings(app, "rest", catch_all=["openid"])
    assert warning.endswith('Write semantics="strict", or drop catch_all.')


def test_an_entry_of_leave_out_that_matches_no_route_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It may be misspelt, and the path that it means stays in the document."""
    export_document(build_app({"GET /me": [USER], "GET /docs": []}), leave_out=["/docs", "/doc", "/files/*"])
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [text for text in warned if "leave_out" in text] == [
        "leave_out has /doc, which matches no route: check its spelling.",
        "leave_out has /files/*, which matches no route: check its spelling.",
    ]
