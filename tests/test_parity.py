"""One app, every front door, the same answer: scenarios x doors x semantics, to the byte.

`EXPECTED` is the whole of it: what each scenario is answered, whichever the door. `DIFFERENCES` lists the
cells that differ by design, each with its reason.
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
}


class Case(NamedTuple):
    """A kind of refusal: which row of `ANSWERS`, and how each dialect describes it."""

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


def everywhere(code: str) -> Row:
    return (code,) * len(ROUTES)


#                   /me    /scope /all-scopes /group /comma /unicode
ANY_USER: Row = ("ok", "ok", "ok", "ok", GROUP, GROUP)
REST_ACCESS: Row = (USE, "ok", "ok", USE, USE, USE)


def with_id_token(group: str, comma: str = GROUP, unicode: str = GROUP) -> dict[Semantics, Row]:
    scoped: Row = ("ok", SCOPE, SCOPE, group, comma, unicode)
    return {"strict": scoped, "rest": ("ok", USE, USE, group, comma, unicode), "http": scoped}


def alike(code: str) -> dict[Semantics, Row]:
    return dict.fromkeys(SEMANTICS, everywhere(code))


EXPECTED: dict[str, dict[Semantics, Row]] = {
    "a user": {"strict": ANY_USER, "rest": REST_ACCESS, "http": ANY_USER},
    "an ID token": with_id_token("ok"),
    "a machine": {
        "strict": ("ok", "ok", "ok", GROUP, GROUP, GROUP),
        "rest": REST_ACCESS,
        "http": ("ok", "ok", "ok", GROUP, GROUP, GROUP),
    },
    "another pool": alike("issuer_mismatch"),
    "another client": alike("client_mismatch"),
    "expired": alike("token_expired"),
    "no token": alike("token_missing"),
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
    # The one dialect in which an access token's aud hides its client.
    "bound to a resource": {
        "strict": ANY_USER,
        "rest": REST_ACCESS,
        "http": everywhere("client_mismatch"),
    },
    "the updated issuer": {"strict": ANY_USER, "rest": REST_ACCESS, "http": ANY_USER},
    "a forged type": alike("claim_invalid"),
    "not yet": alike("token_not_yet_valid"),
}

DIFFERENCES: dict[tuple[str, str, str], tuple[str, str]] = {
    ("rest", "a comma in a group", "/comma"): (
        GROUP,
        "a REST API writes groups with commas: one such group cannot be told from two, and never matches",
    ),
}


class Reply(NamedTuple):
    """What a client sees."""

    status: int
    headers: dict[str, str]
    body: str


class Door(NamedTuple):
    """A way to the app. ``source`` is what the principal says of it."""

    source: str
    call: Callable[["Place", str, str | None], Reply]


class Place(NamedTuple):
    """The app in one dialect: served on loopback, and as a function."""

    address: str
    client: httpx.Client
    handler: Callable[[dict[str, Any], Any], dict[str, Any]]


def standalone(place: Place, path: str, token: str | None) -> Reply:
    answer = place.client.get(path, headers=bearer(token) if token else {})
    return Reply(answer.status_code, _lower(dict(answer.headers)), answer.text)


def websocket(place: Place, path: str, token: str | None) -> Reply:
    """``/me`` as a WebSocket: the principal is its first message, a refusal is a real response."""
    url = place.address.replace("http", "ws", 1) + "/ws"
    try:
        with connect(
            url, proxy=None, open_timeout=10, additional_headers=bearer(token) if token else {}
        ) as live:
            return Reply(200, {}, str(live.recv(timeout=10)))
    except InvalidStatus as refused:
        response = refused.response
        return Reply(
            response.status_code, _lower(dict(response.headers.raw_items())), str(response.body, "utf-8")
        )


def gateway(flavour: Flavour) -> Callable[[Place, str, str | None], Reply]:
    def call(place: Place, path: str, token: str | None) -> Reply:
        claims = None if token is None else unverified_claims(token)
        return invoke(place, gateway_event(flavour, claims=claims, token=token, path=path))

    return call


def lambda_flat(place: Place, path: str, token: str | None) -> Reply:
    """REST API, Lambda authorizer: a flat context, whose values are texts, numbers and booleans."""
    event = gateway_event("rest", token=token, path=path)
    if token is not None:
        claims = unverified_claims(token)
        event["requestContext"]["authorizer"] = {
            "principalId": claims["sub"],
            "integrationLatency": 12,
            "cognito": json.dumps(claims),
        }
    return invoke(place, event)


def lambda_nested(place: Place, path: str, token: str | None) -> Reply:
    """HTTP API, Lambda authorizer, payload 2.0: a context of its own."""
    event = gateway_event("http", token=token, path=path)
    context = None if token is None else {"cognito": json.dumps(unverified_claims(token))}
    event["requestContext"]["authorizer"] = {"lambda": context}
    return invoke(place, event)


def invoke(place: Place, event: dict[str, Any]) -> Reply:
    answer = place.handler(event, None)
    return Reply(answer["statusCode"], _lower(answer["headers"]), answer["body"])


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


DOORS = {
    "uvicorn": Door("token", standalone),
    "rest": Door("rest", gateway("rest")),
    "rest-jwt": Door("rest", gateway("rest-jwt")),
    "http": Door("http", gateway("http")),
    "http-1.0": Door("http", gateway("http-1.0")),
    "lambda-flat": Door("lambda", lambda_flat),
    "lambda-2.0": Door("lambda", lambda_nested),
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
def places(pool: FakeUserPool) -> Iterator[dict[Semantics, Place]]:
    found: dict[Semantics, Place] = {}
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
            found[semantics] = Place(address, client, lambda_handler(apps[semantics]))
        yield found
        for place in found.values():
            place.client.close()


def check(reply: Reply, code: str, semantics: Semantics, path: str) -> None:
    """A refusal of exactly this kind, to the byte."""
    case = CASES[code]
    answer = ANSWERS[case.row][semantics]
    filled = case.http if semantics == "http" else case.strict
    due = {name.lower(): value.replace("...", filled) for name, value in answer.headers.items()}
    told = {
        name: value
        for name, value in reply.headers.items()
        if name in ("www-authenticate", "x-amzn-errortype", "retry-after")
    }
    assert (reply.status, reply.body, told) == (answer.status, answer.content, due)
    assert reply.headers["content-type"] == "application/json"


def principal_of(token: str, source: str, semantics: Semantics) -> dict[str, Any]:
    """What the token says, read plainly."""
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


def test_every_scenario_has_its_row() -> None:
    assert EXPECTED.keys() == SCENARIOS.keys()
    assert {code for rows in EXPECTED.values() for row in rows.values() for code in row} == {*CASES, "ok"}
    assert all(reason for _, reason in DIFFERENCES.values())


@pytest.mark.parametrize("semantics", SEMANTICS)
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_request_is_answered_alike_whichever_door_it_came_through(
    places: dict[Semantics, Place],
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
        reply = DOORS[door].call(places[semantics], path, token)
        if due != "ok":
            check(reply, due, semantics, path)
            (record,) = (line for line in caplog.messages if "refused with" in line)
            assert re.search(r"refused with \d+: (\w+):", record)[1] == due  # type: ignore[index]  # it is there
        else:
            assert token is not None
            principal = principal_of(token, DOORS[door].source, semantics)
            if (door, scenario) == ("rest", "a comma in a group"):
                principal["groups"] = ["scones", "tea"]  # read as two: see DIFFERENCES
            assert (reply.status, json.loads(reply.body)) == (200, principal)


@pytest.mark.parametrize("semantics", SEMANTICS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_websocket_is_answered_as_a_request_is(
    places: dict[Semantics, Place],
    pool: FakeUserPool,
    other_pool: FakeUserPool,
    scenario: str,
    semantics: Semantics,
) -> None:
    token = SCENARIOS[scenario](pool, other_pool)
    reply = websocket(places[semantics], "/me", token)
    code = EXPECTED[scenario][semantics][0]
    if code != "ok":
        check(reply, code, semantics, "/ws")
    else:
        assert token is not None
        assert json.loads(reply.body) == principal_of(token, "token", semantics)


@pytest.mark.parametrize("semantics", SEMANTICS)
def test_keys_that_cannot_be_had_are_answered_as_the_table_says(
    pool: FakeUserPool, semantics: Semantics
) -> None:
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
