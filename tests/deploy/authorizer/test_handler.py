"""Lambda authorizer: every kind of event, and its context as a `Principal` in the function behind."""

import asyncio
import json
from typing import Any

import pytest

from fastapi_cognito_guard import (
    KeyPolicy,
    lambda_handler,
)
from fastapi_cognito_guard.deploy import lambda_authorizer, lambda_claims
from fastapi_cognito_guard.errors import KeysUnavailable
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, build_app, guard_for
from tests.deploy.authorizer.events import (
    KINDS,
    STAGE_ARN,
    build_orders_app,
    make_backend_event,
    make_event,
)
from tests.deploy.model import allows


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("caller", ["ada", "robot", "id"])
def test_the_context_gives_the_same_principal_behind_the_gateway(
    pool: FakeUserPool, kind: str, caller: str
) -> None:
    guard = guard_for(pool, user_pool={"token_use": {"access", "id"}}, lambda_context=lambda_claims)
    token = {
        "ada": pool.access_token("ada", groups=["admins", "a,b"], scopes=["o/r", "o/w"]),
        "robot": pool.machine_token(scopes=["o/r"]),
        "id": pool.id_token("ada", email="ada@example.com", claims={"deep": {"list": [1, None, "ü"]}}),
    }[caller]
    response = lambda_authorizer(guard)(make_event(kind, token), None)
    assert allows(response["policyDocument"], f"{STAGE_ARN}/GET/anything/at/all")
    assert all(type(value) in (str, int, float, bool) for value in response["context"].values())
    behind = guard.vouched(make_backend_event(kind, response, "/me"))
    direct = asyncio.run(guard.verify(token))
    assert behind is not None
    assert behind.source == "lambda"
    facts = {name: value for name, value in vars(direct).items() if name != "source"}
    assert {name: value for name, value in vars(behind).items() if name != "source"} == facts
    through = lambda_handler(build_app(guard))(make_backend_event(kind, response, "/me"), None)
    assert (through["statusCode"], json.loads(through["body"])["source"]) == (200, "lambda")


def test_a_simple_response_has_the_same_context(pool: FakeUserPool) -> None:
    guard = guard_for(pool, lambda_context=lambda_claims)
    response = lambda_authorizer(guard, simple=True)(make_event("http-2.0", pool.access_token()), None)
    assert response.keys() == {"isAuthorized", "context"}
    assert response["isAuthorized"] is True
    user = guard.vouched(make_backend_event("http-2.0", response, "/me"))
    assert user is not None
    assert user.username == "ada"


@pytest.mark.parametrize(
    "context",
    [{"cognito_claims": "[1]"}, {"cognito_claims": "{"}, {"cognito_claims": 7}, {"cognito_claims": None},
     {"cognito_claims": "[" * 100_000}, {"cognito_claims": '{"iss": "https://else.example"}'}],
    ids=["list", "broken", "number", "null", "deep", "of another issuer"],
)  # fmt: skip
def test_a_context_that_cannot_be_read_is_refused_and_not_skipped(
    pool: FakeUserPool, context: dict[str, Any]
) -> None:
    event = make_backend_event("request", {"principalId": "x", "context": context}, "/me")
    event["headers"]["authorization"] = f"Bearer {pool.access_token()}"
    event["multiValueHeaders"] = None
    assert (
        lambda_handler(build_app(guard_for(pool, lambda_context=lambda_claims)))(event, None)["statusCode"]
        == 401
    )


def test_the_context_of_another_authorizer_is_no_identity(pool: FakeUserPool) -> None:
    event = make_backend_event("request", {"principalId": "ada", "context": {"sub": "ada"}}, "/me")
    assert guard_for(pool, lambda_context=lambda_claims).vouched(event) is None


BAD: dict[str, Any] = {
    "missing": lambda pool: None,
    "malformed": lambda pool: "x.y",
    "expired": lambda pool: pool.access_token(expires_in=-1),
    "forged": lambda pool: FakeUserPool(pool.id, client_id=pool.client_id, now=lambda: NOW).access_token(),
    "of another client": lambda pool: pool.access_token(claims={"client_id": "another"}),
    "an ID token": lambda pool: pool.id_token(),
}


@pytest.mark.parametrize("reason", BAD)
@pytest.mark.parametrize("with_app", [False, True])
def test_without_a_good_token_a_rest_api_gets_401_and_an_http_api_a_denial(
    pool: FakeUserPool, reason: str, with_app: bool
) -> None:
    guard = guard_for(pool)
    settings: dict[str, Any] = {"app": build_orders_app(guard)} if with_app else {}
    authorize = lambda_authorizer(guard, **settings)
    token = BAD[reason](pool)
    for kind in ("token", "request"):
        with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
            authorize(make_event(kind, token), None)
    for kind in ("http-1.0", "http-2.0"):
        response = authorize(make_event(kind, token), None)
        assert "context" not in response
        assert not allows(response["policyDocument"], f"{STAGE_ARN}/GET/open")
    simple = lambda_authorizer(guard, simple=True)
    assert simple(make_event("http-2.0", token), None) == {"isAuthorized": False}
    assert sum(guard.status()["decisions"].values()) == 5


def test_malformed_headers_are_refused_like_a_bad_token(pool: FakeUserPool) -> None:
    authorize = lambda_authorizer(guard_for(pool))
    good = pool.access_token()
    two_names, two_values = make_event("request", good), make_event("request", good)
    two_names["multiValueHeaders"]["authorization"] = [f"Bearer {good}"]
    two_values["multiValueHeaders"]["Authorization"] *= 2
    not_ascii = [make_event(kind, f"{good}\N{SNOWMAN}") for kind in ("token", "request")]
    for event in (two_names, two_values, *not_ascii):
        with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
            authorize(event, None)


@pytest.mark.parametrize("kind", KINDS)
def test_while_keys_are_unavailable_the_handler_raises_and_nothing_is_cached(
    kind: str, pool: FakeUserPool
) -> None:
    async def fetch(address: str) -> bytes:
        raise OSError

    guard = guard_for(pool, user_pool={"jwks": None}, fetch=fetch, keys=KeyPolicy(timeout=1))
    with pytest.raises(KeysUnavailable) as error:
        lambda_authorizer(guard)(make_event(kind, pool.access_token()), None)
    assert str(error.value) != "Unauthorized"


def test_keys_are_fetched_once_for_all_invocations_despite_other_event_loops(pool: FakeUserPool) -> None:
    fetches = []

    async def fetch(address: str) -> bytes:
        fetches.append(address)
        return json.dumps(pool.jwks).encode()

    authorize = lambda_authorizer(guard_for(pool, user_pool={"jwks": None}, fetch=fetch, remember=0))
    for _ in range(3):
        assert authorize(make_event("token", pool.access_token()), None)["principalId"] == pool.sub("ada")
        asyncio.run(asyncio.sleep(0))
    assert len(fetches) == 1


def test_decisions_are_recorded(pool: FakeUserPool) -> None:
    recorded: list[Any] = []
    guard = guard_for(pool, on_decision=recorded.append)
    authorize = lambda_authorizer(guard)
    authorize(make_event("token", pool.access_token()), None)
    authorize(make_event("http-2.0", None), None)
    assert [(decision.outcome, decision.code, decision.status) for decision in recorded] == [
        ("allowed", "allowed", None),
        ("refused", "token_missing", 401),
    ]
