"""Tests that a request has the same answer at each front door, to the byte: scenarios x doors x semantics.

`EXPECTED` has the answer to each scenario, for all doors. `DIFFERENCES` lists the exceptions by design, each
with its reason.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import Depends, FastAPI
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from fastapi_cognito_guard import CognitoGuard, CurrentUser, lambda_handler, require_group
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.testing import FakeUserPool, Flavour, gateway_event
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from fastapi_cognito_guard.testing.uvicorn_server import serve_app
from tests.apps import NOW, bearer, build_app, guard_for, shown
from tests.semantics import ANSWERS, SEMANTICS

COMMA, UNICODE = "tea,scones", "Ärzte-管理"
USER: dict[str, Any] = {"groups": ["admins", "staff"], "scopes": ["openid", "orders/read", "orders/write"]}
ROUTES = ("/me", "/scope", "/all-scopes", "/group", "/comma", "/unicode")

Token = Callable[[FakeUserPool, FakeUserPool], str | None]
SCENARIOS: dict[str, Token] = {
    "a user": lambda pool, other: pool.access_token(**USER),
    "an ID token": lambda pool, other: pool.id_token(groups=["staff", "admins"]),
    "a machine": lambda pool, other: pool.machine_token(scopes=["orders/read", "orders/write"]),
    "another pool": lambda pool, other: other.access_token(**USER, claims={"client_id": pool.client_id}),
    "another client": lambda pool, other: pool.access_token(**USER, claims={"client_id": "another"}),
    "expired": lambda pool, other: pool.access_token(**USER, expires_in=0),
    "no token": lambda pool, other: None,
    "no scope": lambda pool, other: pool.access_token(groups=["admins"], scopes=["openid"]),
    "one of two scopes": lambda pool, other: pool.access_token(groups=["admins"], scopes=["orders/read"]),
    "parts of a group's name": lambda pool, other: pool.id_token(groups=["not-admins", "admin", "admins2"]),
    "brackets in a group": lambda pool, other: pool.id_token(groups=["[admins]", "[admins"]),
    "a Unicode group": lambda pool, other: pool.id_token(groups=[UNICODE]),
    "a comma in a group": lambda pool, other: pool.id_token(groups=[COMMA]),
    "halves of a group with a comma": lambda pool, other: pool.id_token(groups=["tea", "scones"]),
    "bound to a resource": lambda pool, other: pool.access_token(
        **USER, claims={"aud": "https://api.example"}
    ),
    "the updated issuer": lambda pool, other: pool.access_token(
        **USER, claims={"iss": pool.issuer.replace("cognito-idp", "issuer-cognito-idp")}
    ),
    "a forged type": lambda pool, other: pool.access_token(**USER, claims={"token_use": "refresh"}),
    "not yet": lambda pool, other: pool.access_token(**USER, claims={"nbf": int(NOW) + 60}),
    "a level": lambda pool, other: pool.access_token(
        **USER, level="urn:cognito:loa:3", claims={"amr": ["pwd", "otp", "mfa"]}
    ),
    "an actor": lambda pool, other: pool.access_token(
        **USER, claims={"act": {"sub": "orders", "act": {"sub": "gateway"}}}
    ),
    "an actor that cannot be read": lambda pool, other: pool.access_token(**USER, claims={"act": "orders"}),
}


class Case(NamedTuple):
    """Kind of refusal: its row of `ANSWERS`, and its description in each dialect."""

    row: str
    strict: str = ""
    http: str = ""


ALL = "orders/read orders/write"
CASES = {
    "token_missing": Case("no token"),
    "issuer_mismatch": Case("invalid token", "The issuer does not match", "issuer does not match"),
    "client_mismatch": Case(
        "invalid token", "The token is not for this audience", "the token does not have a valid audience"
    ),
    "claim_invalid": Case("invalid token", *["A required claim is missing or invalid"] * 2),
    "token_use_mismatch": Case("invalid token", "The token is of the wrong type"),
    "token_expired": Case("expired token", *["The token has expired"] * 2),
    "token_not_yet_valid": Case("invalid token", *["The token is not yet valid"] * 2),
    "insufficient_scope": Case("scope missing", ALL, ALL),
    "insufficient_group": Case("group or claim missing"),
}

GROUP, SCOPE, USE = "insufficient_group", "insufficient_scope", "token_use_mismatch"
Row = tuple[str, ...]


def on_all_routes(code: str) -> Row:
    return (code,) * len(ROUTES)


#                   /me    /scope /all-scopes /group /comma /unicode
ANY_USER: Row = ("ok", "ok", "ok", "ok", GROUP, GROUP)
REST_ACCESS: Row = (USE, "ok", "ok", USE, USE, USE)


def with_id_token(group: str, comma: str = GROUP, unicode: str = GROUP) -> dict[Semantics, Row]:
    scoped: Row = ("ok", SCOPE, SCOPE, group, comma, unicode)
    return {"strict": scoped, "rest": ("ok", USE, USE, group, comma, unicode), "http": scoped}


def in_all_dialects(code: str) -> dict[Semantics, Row]:
    return dict.fromkeys(SEMANTICS, on_all_routes(code))


EXPECTED: dict[str, dict[Semantics, Row]] = {
    "a user": {"strict": ANY_USER, "rest": REST_ACCESS, "http": ANY_USER},
    "an ID token": with_id_token("ok"),
    "a machine": {
        "strict": ("ok", "ok", "ok", GROUP, GROUP, GROUP),
        "rest": REST_ACCESS,
        "http": ("ok", "ok", "ok", GROUP, GROUP, GROUP),
    },
    "another pool": in_all_dialects("issuer_mismatch"),
    "another client": in_all_dialects("client_mismatch"),
    "expired": in_all_dialects("token_expired"),
    "no token": in_all_dialects("token_missing"),
    "no scope": {
        "strict": ("ok", SCOPE, SCOPE, "ok", GROUP, GROUP),
        "rest": (USE, SCOPE, SCOPE, USE, USE, USE),
        "http": ("ok", SCOPE, SCOPE, "ok", GROUP, GROUP),
    },
    "one of two scopes": {
        "strict": ("ok", "ok", SCOPE, "ok", GROUP, GROUP),
        "rest": (USE, "ok", SCOPE, USE, USE, USE),
        "http": ("ok", "ok", SCOPE, "ok", GROUP, GROUP),
    },
    "parts of a group's name": with_id_token(GROUP),
    "brackets in a group": with_id_token(GROUP),
    "a Unicode group": with_id_token(GROUP, unicode="ok"),
    "a comma in a group": with_id_token(GROUP, comma="ok"),
    "halves of a group with a comma": with_id_token(GROUP),
    # An HTTP API checks the aud of an access token, if there is one, instead of its client.
    "bound to a resource": {
        "strict": ANY_USER,
        "rest": REST_ACCESS,
        "http": on_all_routes("client_mismatch"),
    },
    "the updated issuer": {"strict": ANY_USER, "rest": REST_ACCESS, "http": ANY_USER},
    "a forged type": in_all_dialects("claim_invalid"),
    "not yet": in_all_dialects("token_not_yet_valid"),
    "a level": {"strict": ANY_USER, "rest": REST_ACCESS, "http": ANY_USER},
    "an actor": {"strict": ANY_USER, "rest": REST_ACCESS, "http": ANY_USER},
    "an actor that cannot be read": in_all_dialects("claim_invalid"),
}

DIFFERENCES: dict[tuple[str, str, str], tuple[str, str]] = {
    ("rest", "a comma in a group", "/comma"): (
        GROUP,
        "a REST API writes groups with commas: one such group cannot be told from two, and never matches",
    ),
}


class Reply(NamedTuple):
    """Response to a client."""

    status: int
    headers: dict[str, str]
    body: str


class Door(NamedTuple):
    """Way to the app. ``source`` is the principal's ``source`` there."""

    source: str
    call: Callable[["ServedApp", str, str | None], Reply]


class ServedApp(NamedTuple):
    """App in one dialect: served on loopback, and as a function."""

    address: str
    client: httpx.Client
    handler: Callable[[dict[str, Any], Any], dict[str, Any]]


def call_standalone(served: ServedApp, path: str, token: str | None) -> Reply:
    answer = served.client.get(path, headers=bearer(token) if token else {})
    return Reply(answer.status_code, _lower_names(dict(answer.headers)), answer.text)


def call_websocket(served: ServedApp, path: str, token: str | None) -> Reply:
    """Call ``/me`` as a WebSocket: the principal is its first message, a refusal is an HTTP response."""
    url = served.address.replace("http", "ws", 1) + "/ws"
    try:
        with connect(
            url, proxy=None, open_timeout=10, additional_headers=bearer(token) if token else {}
        ) as live:
            return Reply(200, {}, str(live.recv(timeout=10)))
    except InvalidStatus as refused:
        response = refused.response
        return Reply(
            response.status_code,
            _lower_names(dict(response.headers.raw_items())),
            str(response.body, "utf-8"),
        )


def make_gateway_call(flavour: Flavour) -> Callable[[ServedApp, str, str | None], Reply]:
    def call(served: ServedApp, path: str, token: str | None) -> Reply:
        claims = None if token is None else unverified_claims(token)
        return invoke(served, gateway_event(flavour, claims=claims, token=token, path=path))

    return call


def call_lambda_flat(served: ServedApp, path: str, token: str | None) -> Reply:
    """Call through a REST API with a Lambda authorizer: its context is flat."""
    event = gateway_event("rest", token=token, path=path)
    if token is not None:
        claims = unverified_claims(token)
        event["requestContext"]["authorizer"] = {
            "principalId": claims["sub"],
            "integrationLatency": 12,
            "cognito": json.dumps(claims),
        }
    return invoke(served, event)


def call_lambda_nested(served: ServedApp, path: str, token: str | None) -> Reply:
    """Call through an HTTP API with a Lambda authorizer, payload 2.0: its context is nested."""
    event = gateway_event("http", token=token, path=path)
    context = None if token is None else {"cognito": json.dumps(unverified_claims(token))}
    event["requestContext"]["authorizer"] = {"lambda": context}
    return invoke(served, event)


def invoke(served: ServedApp, event: dict[str, Any]) -> Reply:
    answer = served.handler(event, None)
    return Reply(answer["statusCode"], _lower_names(answer["headers"]), answer["body"])


def _lower_names(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


DOORS = {
    "uvicorn": Door("token", call_standalone),
    "rest": Door("rest", make_gateway_call("rest")),
    "rest-jwt": Door("rest", make_gateway_call("rest-jwt")),
    "http": Door("http", make_gateway_call("http")),
    "http-1.0": Door("http", make_gateway_call("http-1.0")),
    "lambda-flat": Door("lambda", call_lambda_flat),
    "lambda-2.0": Door("lambda", call_lambda_nested),
}


def build(guard: CognitoGuard) -> FastAPI:
    app = build_app(guard)

    @app.get("/comma", dependencies=[Depends(require_group(COMMA))])
    async def comma(user: CurrentUser) -> Any:
        return shown(user)

    @app.get("/unicode", dependencies=[Depends(require_group(UNICODE))])
    async def unicode(user: CurrentUser) -> Any:
        return shown(user)

    return app


@pytest.fixture(scope="module")
def served_apps(pool: FakeUserPool) -> Iterator[dict[Semantics, ServedApp]]:
    found: dict[Semantics, ServedApp] = {}
    apps = {
        semantics: build(
            guard_for(
                pool,
                user_pool={"token_use": {"access", "id"}},
                semantics=semantics,
                lambda_context=lambda context: json.loads(context["cognito"]),
            )
        )
        for semantics in SEMANTICS
    }
    with (
        serve_app(apps["strict"], 0) as strict,
        serve_app(apps["rest"], 0) as rest,
        serve_app(apps["http"], 0) as http,
    ):
        for semantics, address in zip(SEMANTICS, (strict, rest, http), strict=True):
            client = httpx.Client(base_url=address, trust_env=False, timeout=10)
            found[semantics] = ServedApp(address, client, lambda_handler(apps[semantics]))
        yield found
        for served in found.values():
            served.client.close()


def check_refusal(reply: Reply, code: str, semantics: Semantics, path: str) -> None:
    """Check that a reply is a refusal of this kind, to the byte."""
    case = CASES[code]
    answer = ANSWERS[case.row][semantics]
    filled = case.http if semantics == "http" else case.strict
    due = {name.lower(): value.replace("...", filled) for name, value in answer.headers.items()}
    shown_headers = {
        name: value
        for name, value in reply.headers.items()
        if name in ("www-authenticate", "x-amzn-errortype", "retry-after")
    }
    assert (reply.status, reply.body, shown_headers) == (answer.status, answer.content, due)
    assert reply.headers["content-type"] == "application/json"


def read_principal(token: str, source: str, semantics: Semantics) -> dict[str, Any]:
    """Read the expected principal from a token, independently of the package."""
    claims = unverified_claims(token)
    is_access = claims["token_use"] == "access"
    return {
        "sub": claims["sub"],
        "username": claims.get("username" if is_access else "cognito:username"),
        "client_id": claims["client_id" if is_access else "aud"],
        "token_use": claims["token_use"],
        "scopes": sorted(claims.get("scope", "").split()),
        "groups": sorted(claims.get("cognito:groups", [])),
        "issuer": claims["iss"],
        "expires_at": claims["exp"],
        "is_machine": is_access and "username" not in claims,
        "email": claims.get("email"),
        "source": source,
    }


def test_every_scenario_has_a_row() -> None:
    assert EXPECTED.keys() == SCENARIOS.keys()
    assert {code for rows in EXPECTED.values() for row in rows.values() for code in row} == {*CASES, "ok"}
    assert all(reason for _, reason in DIFFERENCES.values())


@pytest.mark.parametrize("semantics", SEMANTICS)
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_request_is_answered_alike_whichever_door_it_came_through(
    served_apps: dict[Semantics, ServedApp],
    pool: FakeUserPool,
    other_pool: FakeUserPool,
    scenario: str,
    door: str,
    semantics: Semantics,
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = SCENARIOS[scenario](pool, other_pool)
    for path, code in zip(ROUTES, EXPECTED[scenario][semantics], strict=True):
        caplog.clear()
        due, _ = DIFFERENCES.get((door, scenario, path), (code, "")) if code == "ok" else (code, "")
        reply = DOORS[door].call(served_apps[semantics], path, token)
        if due != "ok":
            check_refusal(reply, due, semantics, path)
            (record,) = (line for line in caplog.messages if "refused with" in line)
            assert re.search(r"refused with \d+: (\w+):", record)[1] == due  # type: ignore[index]  # it is there
        else:
            assert token is not None
            principal = read_principal(token, DOORS[door].source, semantics)
            if (door, scenario) == ("rest", "a comma in a group"):
                principal["groups"] = ["scones", "tea"]  # read as two: see DIFFERENCES
            assert (reply.status, json.loads(reply.body)) == (200, principal)


@pytest.mark.parametrize("semantics", SEMANTICS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_websocket_has_the_answer_of_a_request(
    served_apps: dict[Semantics, ServedApp],
    pool: FakeUserPool,
    other_pool: FakeUserPool,
    scenario: str,
    semantics: Semantics,
) -> None:
    token = SCENARIOS[scenario](pool, other_pool)
    reply = call_websocket(served_apps[semantics], "/me", token)
    code = EXPECTED[scenario][semantics][0]
    if code != "ok":
        check_refusal(reply, code, semantics, "/ws")
    else:
        assert token is not None
        assert json.loads(reply.body) == read_principal(token, "token", semantics)


@pytest.mark.parametrize("semantics", SEMANTICS)
def test_unavailable_keys_are_answered_as_in_the_table(pool: FakeUserPool, semantics: Semantics) -> None:
    async def fetch(address: str) -> bytes:
        raise OSError

    guard = guard_for(pool, user_pool={"jwks": None}, fetch=fetch, semantics=semantics)
    event = pool.event("http", pool.access_token(), vouched=False, path="/me")
    answer = lambda_handler(build_app(guard))(event, None)
    due = ANSWERS["keys unavailable"][semantics]
    assert (answer["statusCode"], answer["body"]) == (due.status, due.content)
    for name, value in due.headers.items():
        pattern = re.escape(value).replace(re.escape("..."), r"(\d+|JWKS communication error)")
        assert re.fullmatch(pattern, answer["headers"][name.lower()])
