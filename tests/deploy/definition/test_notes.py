"""What is said when a definition is made: what stands open, what is left to the app, what needs a look."""

import logging
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from starlette.middleware.cors import CORSMiddleware

from fastapi_cognito_guard import UserPool
from tests.deploy.exporting import (
    ADMINS,
    AUTHORIZER,
    GOLD,
    IAM,
    OPTIONAL,
    POOL,
    READ,
    USER,
    WRITE,
    app_with,
    exported,
)


class Notes:
    """What `export` logs, by level."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def of(self, level: int, app: FastAPI, kind: str = "http", **given: Any) -> list[str]:
        self._caplog.clear()
        exported(app, kind, **given)
        return [
            message
            for name, each, message in self._caplog.record_tuples
            if (name, each) == ("fastapi_cognito_guard.export", level)
        ]

    def info(self, app: FastAPI, kind: str = "http", **given: Any) -> list[str]:
        return self.of(logging.INFO, app, kind, **given)

    def warnings(self, app: FastAPI, kind: str = "http", **given: Any) -> list[str]:
        return self.of(logging.WARNING, app, kind, **given)


@pytest.fixture
def notes(caplog: pytest.LogCaptureFixture) -> Notes:
    return Notes(caplog)


def test_where_a_gateway_decides_all_there_is_nothing_to_say(notes: Notes) -> None:
    app = app_with({"GET /me": [USER], "GET /orders": [READ], "GET /iam": [IAM]})
    assert notes.info(app) == notes.warnings(app) == []


def test_what_stands_open_is_noted_but_not_twice_for_head(notes: Notes) -> None:
    app = app_with({"GET /open": [], "HEAD /open": [], "GET /maybe": [OPTIONAL], "GET /x/{n:int}": []})
    assert notes.info(app) == [
        "GET /open is open: it asks for nothing.",
        "GET /maybe is open at the gateway: a token is optional there, and the app verifies it.",
        "GET /x/{n} is open: GET /x/{n:int} asks for nothing.",
    ]


def test_what_the_app_alone_decides_is_noted(notes: Notes) -> None:
    app = app_with({"GET /group": [ADMINS], "GET /both": [READ, GOLD]})
    both = "require_claim('tier', 'gold') and require_scope('o/r')"
    assert notes.info(app) == [
        "GET /group: the gateway cannot decide all of require_group('admins'); the app does.",
        f"GET /both: the gateway cannot decide all of {both}; the app does.",
    ]
    assert notes.info(app, authorizer_arn=AUTHORIZER) == []


def test_left_to_the_app_is_noted_too(notes: Notes) -> None:
    (note,) = notes.info(app_with({"GET /both": [READ, WRITE]}), beyond="app")
    assert "cannot decide all of require_scope('o/r') and require_scope('o/w')" in note


def test_what_no_gateway_can_be_told_of_is_noted(notes: Notes) -> None:
    app = app_with({"GET /me": [USER]})

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None: ...

    async def hidden(scope: Any, receive: Any, send: Any) -> None: ...

    app.mount("", hidden)
    live_note, mount_note = notes.info(app)
    assert live_note == "WebSocket /live is left out: there is nothing for it in this kind of API."
    assert mount_note.startswith("a route to function is left out")


@pytest.mark.parametrize(
    ("kind", "route", "allowed", "said"),
    [
        ("rest", "OPTIONS /me", {"allow_origins": ["https://shop.example"]}, True),
        ("rest", "GET /me", {"allow_origins": ["https://shop.example"]}, False),
        ("http", "OPTIONS /me", {"allow_origin_regex": ".*"}, True),
        ("http", "OPTIONS /me", {"allow_origins": ["https://shop.example"]}, False),
    ],
    ids=["rest", "no options", "http", "http answers itself"],
)
def test_own_options_that_preflights_open_are_noted(
    notes: Notes, kind: str, route: str, allowed: Any, said: bool
) -> None:
    app = app_with({route: [READ]})
    app.add_middleware(CORSMiddleware, **allowed)
    assert [note[:30] for note in notes.info(app, kind)] == ["OPTIONS is open at the gateway"] * said


@pytest.mark.parametrize(
    ("kind", "path", "at"),
    [
        ("http", "/a/{id}.pdf", "/a/{id}"),
        ("http", "/a/{x}-{y}", "/a/{x}"),
        ("http", "/{path:path}/end", "/{path+}"),
        ("rest", "/a/", "/a"),
    ],
)
def test_a_path_that_becomes_wider_is_a_warning(notes: Notes, kind: str, path: str, at: str) -> None:
    warning, *_ = notes.warnings(app_with({f"GET {path}": [READ]}), kind)
    assert warning == f"GET {path} becomes {at} at the gateway, which takes more. The app does not."


@pytest.mark.parametrize("path", ["/a/{n:int}", "/a/{f:float}", "/a/{id:uuid}", "/a/{rest:path}", "/", "/a"])
@pytest.mark.parametrize("kind", ["rest", "http"])
def test_a_variable_that_is_a_whole_segment_is_no_warning(notes: Notes, kind: str, path: str) -> None:
    assert notes.warnings(app_with({f"GET {path}": [READ]}), kind) == []


def test_a_unified_name_is_no_warning(notes: Notes) -> None:
    assert notes.warnings(app_with({"GET /a/{id}": [READ], "PUT /a/{number}": [READ]}), "rest") == []


def strict(**pool: Any) -> dict[str, Any]:
    return {"pools": [UserPool(POOL.id, client_ids={"web"}, **pool)]}


@pytest.mark.parametrize(
    ("settings", "kind", "given", "warned"),
    [
        (strict(), "rest", {}, True),
        (strict(), "rest", {"catch_all": ["openid"]}, False),
        (strict(), "rest", {"authorizer_arn": AUTHORIZER, "authorizer_for": "all"}, False),
        (strict(token_use={"id", "access"}), "rest", {}, False),
        ({"semantics": "rest"}, "rest", {}, False),
        (strict(), "http", {}, False),
    ],
    ids=["access only", "catch_all", "lambda", "id too", "semantics of rest", "http"],
)
def test_a_rest_api_that_takes_what_the_app_refuses_is_a_warning(
    notes: Notes, settings: Any, kind: str, given: Any, warned: bool
) -> None:
    found = notes.warnings(app_with({"GET /me": [USER], "GET /orders": [READ]}, **settings), kind, **given)
    assert [warning[:47] for warning in found] == ["A REST API takes only ID tokens at GET /me, whi"] * warned


def test_a_long_list_is_cut(notes: Notes) -> None:
    (warning,) = notes.warnings(app_with({f"GET /r{number}": [USER] for number in range(7)}), "rest")
    assert "at GET /r0, GET /r1, GET /r2, GET /r3, GET /r4 and 2 more, which" in warning
    assert "Give catch_all=[...] with scopes" in warning


def test_access_tokens_for_all_and_id_tokens_due_is_a_warning(notes: Notes) -> None:
    app = app_with({"GET /me": [USER]}, semantics="rest")
    (warning,) = notes.warnings(app, "rest", catch_all=["openid"])
    assert 'Write semantics="strict", or drop catch_all.' in warning


def test_an_entry_that_leaves_nothing_out_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """It may be misspelt, and what it means stands open."""
    exported(app_with({"GET /me": [USER], "GET /docs": []}), leave_out=["/docs", "/doc", "/files/*"])
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [text for text in warned if "leave_out" in text] == [
        "leave_out has /doc, where there is no route: nothing is left out by it.",
        "leave_out has /files/*, where there is no route: nothing is left out by it.",
    ]
