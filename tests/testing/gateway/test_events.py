"""Tests of `gateway_event`: events have the members of captured ones, and the guard reads them."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from fastapi_cognito_guard import lambda_handler
from fastapi_cognito_guard.deploy import lambda_claims
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.gateway.iam import read_iam_identity
from fastapi_cognito_guard.testing import FakeUserPool, Flavour, gateway_event
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import build_app, guard_for

CAPTURED: dict[Flavour, str] = {
    "rest": "rest-cognito-access",
    "rest-jwt": "rest-jwt-native",
    "http": "http-jwt-scoped",
    "http-1.0": "http-jwt-payload1",
    "lambda": "rest-lambda",
    "lambda-2.0": "http-lambda",
    "iam": "rest-iam-identity-pool",
    "iam-2.0": "http-iam",
    "function-url": "no-authorizer",
}
WITHOUT = {"_what", "body"}  # payload 2.0 leaves an empty body out
SHORTENED = {
    "requestTime",
    "extendedRequestId",
    "domainPrefix",
}  # left out by those who published the captures


def captured(flavour: Flavour) -> dict[str, Any]:
    path = Path(__file__).parents[2] / "events" / f"{CAPTURED[flavour]}.json"
    event: dict[str, Any] = json.loads(path.read_text())
    return event


def shape(value: object, *, deep: int = 3) -> object:
    """Return the names of members, a few levels deep. What an authorizer or a client chooses is left out."""
    if not isinstance(value, dict) or not deep:
        return None
    own = {"claims", "lambda", "headers", "multiValueHeaders", "pathParameters"}
    return {name: None if name in own else shape(each, deep=deep - 1) for name, each in value.items()}


@pytest.mark.parametrize("flavour", CAPTURED)
def test_an_event_has_the_members_of_a_captured_one(pool: FakeUserPool, flavour: Flavour) -> None:
    scopes = ["orders/read"] if flavour == "http" else None
    made = pool.event(flavour, pool.access_token(), path="/orders", scopes=scopes)
    due = captured(flavour)
    for event in (made, due):
        event["requestContext"].pop("routeKey", None)
    if flavour == "lambda":  # all other members are the authorizer's own
        due["requestContext"]["authorizer"] = {
            "principalId": "",
            "integrationLatency": 0,
            "cognito_claims": "",
        }
    if "identity" in due["requestContext"]:  # payload 1.0
        due["requestContext"] |= dict.fromkeys(SHORTENED)
    members, captured_members = shape(made), shape(due)
    assert isinstance(members, dict)
    assert isinstance(captured_members, dict)
    for name in WITHOUT:
        members.pop(name, None)
        captured_members.pop(name, None)
    captured_members.setdefault("routeKey", None) if "routeKey" in members else None
    assert members == captured_members


FOR_MANGUM = [flavour for flavour in get_args(Flavour) if flavour != "websocket"]


@pytest.mark.parametrize("flavour", FOR_MANGUM)
def test_mangum_accepts_the_event(pool: FakeUserPool, flavour: Flavour) -> None:
    handler = lambda_handler(build_app(guard_for(pool)))
    assert handler(gateway_event(flavour, path="/public"), None)["statusCode"] == 200


@pytest.mark.parametrize("flavour", ["function-url", "alb", "lambda", "lambda-2.0"])
def test_the_token_is_verified_where_the_event_has_no_claims(pool: FakeUserPool, flavour: Flavour) -> None:
    answer = lambda_handler(build_app(guard_for(pool)))(
        pool.event(flavour, pool.access_token(), path="/me"), None
    )
    assert json.loads(answer["body"])["source"] == "token"


@pytest.mark.parametrize("flavour", ["lambda", "lambda-2.0", "websocket"])
def test_a_lambda_authorizers_context_is_the_claims_or_its_own(pool: FakeUserPool, flavour: Flavour) -> None:
    guard = guard_for(pool, lambda_context=lambda_claims)
    event = pool.event(flavour, pool.access_token("ada"))
    caller = guard.vouched(event)
    assert caller is not None
    assert (caller.username, caller.source) == ("ada", "lambda")
    own = gateway_event(flavour, context={"tier": 3})["requestContext"]["authorizer"]
    assert own.get("lambda", own)["tier"] == 3
    empty = gateway_event(flavour, claims={"sub": "s"}, context={})["requestContext"]["authorizer"]
    assert "cognito_claims" not in empty.get("lambda", empty)


@pytest.mark.parametrize("flavour", ["iam", "iam-2.0"])
def test_an_iam_caller_may_have_credentials_of_an_identity_pool(pool: FakeUserPool, flavour: Flavour) -> None:
    token = pool.access_token("ada")
    signed_in = read_iam_identity(pool.event(flavour, token), [pool.id])
    other = read_iam_identity(gateway_event(flavour, token=token), [pool.id])
    assert signed_in is not None
    assert other is not None
    assert (signed_in.sub, signed_in.authentication) == (unverified_claims(token)["sub"], "authenticated")
    assert (other.sub, other.authentication, other.account_id) == (None, None, "123456789012")
    headers = pool.event(flavour, token)["headers"]
    assert headers.get("authorization", "AWS4-HMAC-SHA256").startswith("AWS4-HMAC-SHA256")


def test_repeated_values_are_written_in_each_front_doors_format() -> None:
    given: dict[str, Any] = {
        "query": {"a": ["1", "2"]},
        "headers": {"X-Both": ["p", "q"], "Cookie": "c=1; d=2"},
    }
    rest = gateway_event("rest", **given)
    assert (rest["queryStringParameters"], rest["multiValueQueryStringParameters"]) == (
        {"a": "2"},
        {"a": ["1", "2"]},
    )
    assert (rest["headers"]["X-Both"], rest["multiValueHeaders"]["X-Both"]) == ("q", ["p", "q"])
    http = gateway_event("http", **given)
    assert (http["rawQueryString"], http["queryStringParameters"]) == ("a=1&a=2", {"a": "1,2"})
    assert (http["headers"]["x-both"], http["cookies"]) == ("p,q", ["c=1", "d=2"])
    assert "cookie" not in http["headers"]


def test_a_load_balancers_path_and_query_stay_encoded() -> None:
    event = gateway_event("alb", path="/a b", query={"q": "c d&"})
    assert (event["path"], event["multiValueQueryStringParameters"]) == ("/a%20b", {"q": ["c+d%26"]})
    assert (event["body"], "elb" in event["requestContext"]) == ("", True)


@pytest.mark.parametrize("flavour", FOR_MANGUM)
def test_bytes_are_written_as_base64_and_text_as_it_is(flavour: Flavour) -> None:
    for body, written, encoded in ((b"\xff", "/w==", True), ("text", "text", False)):
        event = gateway_event(flavour, body=body)
        assert (event["body"], event["isBase64Encoded"]) == (written, encoded)


@pytest.mark.parametrize(
    ("flavour", "stage", "path"),
    [("rest", None, "/prod/x"), ("http-1.0", None, "/x"), ("http-1.0", "v1", "/v1/x")],
)
def test_the_stage_is_in_the_full_path(flavour: Flavour, stage: str | None, path: str) -> None:
    assert gateway_event(flavour, path="/x", stage=stage)["requestContext"]["path"] == path


def test_an_unknown_flavour_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="A flavour is one of rest"):
        gateway_event("soap")  # type: ignore[arg-type]  # the mistake
