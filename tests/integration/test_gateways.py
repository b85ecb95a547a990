"""Example app behind every kind of gateway: the same answers to the same callers as standalone.

Where MiniStack is known to differ from AWS, a test of its own holds the difference and names AWS's behaviour.
"""

import json
import os

import pytest

from example_app.api import create_app
from fastapi_cognito_guard import lambda_handler
from tests.integration.captures import CAPTURES, load_event, replace_with_fiction, rewrite_as_aws, save_event
from tests.integration.deployment import (
    Caller,
    Deployed,
    create_iam_user,
    create_identity_pool_caller,
    make_guard,
)
from tests.integration.gateways import ACCOUNT
from tests.integration.matrix import (
    REFUSED,
    ROUTES,
    STATUSES,
    find_expected_status,
    issue_tokens,
    read_content,
)
from tests.integration.ministack import EmulatedPool

pytestmark = pytest.mark.ministack

LAMBDA = ("http-lambda", "rest-token", "rest-request")
EXPECTED = {**STATUSES["strict"], "other pool": REFUSED}


@pytest.fixture(scope="module")
def tokens(emulated_pool: EmulatedPool, other_emulated_pool: EmulatedPool) -> dict[str, str | None]:
    return {
        **issue_tokens(emulated_pool),
        "other pool": other_emulated_pool.sign_in("ada")["AccessToken"],
    }


@pytest.mark.parametrize(("kind", "caller"), [(kind, caller) for kind in LAMBDA for caller in EXPECTED])
def test_behind_a_custom_authorizer_a_route_answers_as_it_does_standalone(
    kind: str, caller: str, everywhere: Deployed, tokens: dict[str, str | None]
) -> None:
    for route in ROUTES if caller in ("anonymous", "ada", "forged") else ROUTES[1:]:
        deployed = everywhere.call(kind, *route, tokens[caller])
        alone = everywhere.call_standalone("strict", *route, tokens[caller])
        assert alone.status_code == EXPECTED[caller][ROUTES.index(route)], route
        expected = find_expected_status(EXPECTED, caller, route, by_http_lambda=kind == "http-lambda")
        assert deployed.status_code == expected, route
        if deployed.status_code == alone.status_code:
            assert read_content(deployed) == read_content(alone)
        else:
            assert deployed.json() == {"message": "Forbidden"}
        if route == ("GET", "/me") and deployed.status_code == 200:
            assert deployed.json()["source"] == "lambda"


@pytest.fixture(scope="module")
def callers(tokens: dict[str, str | None], everywhere: Deployed) -> dict[str, Caller]:
    return {
        **tokens,
        "IAM user": create_iam_user(everywhere.account),
        "identity pool": create_identity_pool_caller(everywhere.account, "ada"),
    }


@pytest.mark.parametrize("name", CAPTURES)
def test_the_stored_event_is_the_one_that_ministack_delivers(
    name: str, everywhere: Deployed, callers: dict[str, Caller]
) -> None:
    capture = CAPTURES[name]
    answer = everywhere.call(capture.kind, "GET", capture.path, callers[capture.caller])
    event = replace_with_fiction(answer.json(), everywhere.account.pool)
    if os.environ.get("KEEP_MINISTACK_EVENTS"):
        save_event(name, event)
    assert event == load_event(name)


def test_an_access_token_on_an_unscoped_rest_method_is_401_by_the_app(
    everywhere: Deployed, tokens: dict[str, str | None]
) -> None:
    """On AWS the gateway itself refuses it. MiniStack forwards it with its claims in the event."""
    assert (
        load_event("rest-cognito-access")["requestContext"]["authorizer"]["claims"]["token_use"] == "access"
    )
    refused = everywhere.call("rest-cognito", "GET", "/me", tokens["ada"])
    assert (refused.status_code, refused.content) == (401, b'{"message":"Unauthorized"}')
    assert refused.headers["x-amzn-errortype"] == "UnauthorizedException"
    assert "www-authenticate" not in refused.headers


def test_a_refusal_by_the_app_has_the_challenge_of_aws_and_one_by_ministack_has_none(
    everywhere: Deployed, tokens: dict[str, str | None]
) -> None:
    """An HTTP API of AWS answers a request without a token with the challenge ``Bearer``."""
    by_ministack = everywhere.call("http-jwt", "GET", "/me")
    assert "www-authenticate" not in by_ministack.headers
    by_app = everywhere.call_standalone("http", "GET", "/me", None)
    assert by_app.headers["www-authenticate"] == "Bearer"
    assert by_ministack.json() == by_app.json() == {"message": "Unauthorized"}
    # On an open route the app refuses, and the gateway forwards its challenge.
    forwarded = everywhere.call("http-jwt", "GET", "/", tokens["forged"])
    assert forwarded.headers["www-authenticate"].startswith('Bearer scope="" error="invalid_token"')


@pytest.mark.parametrize("caller", ["IAM user", "identity pool"])
@pytest.mark.parametrize(("kind", "status"), [("http-iam", 403), ("rest-iam", 401)])
def test_a_caller_with_aws_keys_is_not_a_user_of_the_pool(
    kind: str, status: int, caller: str, everywhere: Deployed, callers: dict[str, Caller]
) -> None:
    """403 if the signer is known. MiniStack's REST events say version 1.0, so it is not known there: 401."""
    for route in ("GET", "/me"), ("DELETE", "/orders/99"):
        assert everywhere.call(kind, *route, callers[caller]).status_code == status


def test_the_signer_is_known_and_the_user_behind_an_identity_pool(
    everywhere: Deployed, callers: dict[str, Caller]
) -> None:
    ada = everywhere.call_standalone("http", "GET", "/me", callers["ada"]).json()["sub"]
    assert everywhere.call("http-iam", "GET", "/signer", callers["identity pool"]).json() == {
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Auth/CognitoIdentityCredentials",
        "sub": ada,
    }
    assert everywhere.call("http-iam", "GET", "/signer", callers["IAM user"]).json() == {
        "arn": f"arn:aws:iam::{ACCOUNT}:user/robot",
        "sub": None,
    }


@pytest.mark.parametrize("kind", ["http-iam", "rest-iam"])
def test_an_unsigned_request_to_an_iam_route_is_403(kind: str, everywhere: Deployed) -> None:
    assert everywhere.call(kind, "GET", "/me").status_code == 403


def test_behind_a_function_url_the_app_verifies_the_token(
    everywhere: Deployed, tokens: dict[str, str | None]
) -> None:
    for caller, status in (("anonymous", 401), ("forged", 401), ("ada", 200)):
        answer = everywhere.call("function-url", "GET", "/me", tokens[caller])
        assert answer.status_code == status
    assert answer.json()["source"] == "token"


def test_a_rest_event_in_the_format_of_aws_has_the_same_caller(
    everywhere: Deployed, tokens: dict[str, str | None]
) -> None:
    """In REST events MiniStack writes ``version``, ``[a b]`` and numbers, AWS ``a,b`` and Java's dates."""
    event = everywhere.call("rest-cognito", "GET", "/event", tokens["ada's ID"]).json()
    event["path"] = "/me"
    handler = lambda_handler(create_app(make_guard(everywhere.account.pool, "rest")))
    answer = handler(rewrite_as_aws(event), None)
    assert (answer["statusCode"], json.loads(answer["body"])["source"]) == (200, "rest")
    alone = everywhere.call_standalone("rest", "GET", "/me", tokens["ada's ID"])
    assert json.loads(answer["body"]) == {**alone.json(), "source": "rest"}


def test_the_function_logs_the_reason_of_a_refusal_and_no_token(
    everywhere: Deployed, tokens: dict[str, str | None]
) -> None:
    everywhere.call("function-url", "GET", "/me", tokens["forged"])
    logs = everywhere.account.make_service("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    lines = [
        event["message"] for group in groups for event in logs.filter_log_events(logGroupName=group)["events"]
    ]
    assert any("refused with 401: key_unknown" in line for line in lines)
    assert not any("eyJ" in line for line in lines)
