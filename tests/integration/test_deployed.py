"""One app, every front door of a deployment: the same tokens, routes, answers and callers as standalone.

MiniStack is not AWS. What is known to differ is a test of its own here, and says what AWS does.
"""

import json
import os

import pytest

from example_app.api import create_app
from fastapi_cognito_guard import lambda_handler
from tests.integration.captures import CAPTURES, fictional, keep, kept, spelled_as_aws
from tests.integration.deployed import Caller, Deployed, guard_of, iam_user, identity_pool_caller
from tests.integration.gateways import ACCOUNT
from tests.integration.matrix import REFUSED, ROUTES, STATUSES, content_of, status_due, tokens_of
from tests.integration.ministack import EmulatedPool

pytestmark = pytest.mark.ministack

LAMBDA = ("http-lambda", "rest-token", "rest-request")
DUE = {**STATUSES["strict"], "other pool": REFUSED}


@pytest.fixture(scope="module")
def tokens(emulated_pool: EmulatedPool, other_emulated_pool: EmulatedPool) -> dict[str, str | None]:
    return {
        **tokens_of(emulated_pool),
        "other pool": other_emulated_pool.sign_in("ada")["AccessToken"],
    }


@pytest.mark.parametrize(("kind", "caller"), [(kind, caller) for kind in LAMBDA for caller in DUE])
def test_behind_an_authorizer_of_ones_own_a_route_answers_like_the_one_that_stands_alone(
    kind: str, caller: str, everywhere: Deployed, tokens: dict[str, str | None]
) -> None:
    for route in ROUTES if caller in ("nobody", "ada", "forged") else ROUTES[1:]:
        deployed = everywhere.call(kind, *route, tokens[caller])
        alone = everywhere.call_standalone("strict", *route, tokens[caller])
        assert alone.status_code == DUE[caller][ROUTES.index(route)], route
        due = status_due(DUE, caller, route, by_http_lambda=kind == "http-lambda")
        assert deployed.status_code == due, route
        if deployed.status_code == alone.status_code:
            assert content_of(deployed) == content_of(alone)
        else:
            assert deployed.json() == {"message": "Forbidden"}
        if route == ("GET", "/me") and deployed.status_code == 200:
            assert deployed.json()["source"] == "lambda"


@pytest.fixture(scope="module")
def callers(tokens: dict[str, str | None], everywhere: Deployed) -> dict[str, Caller]:
    return {
        **tokens,
        "IAM user": iam_user(everywhere.account),
        "identity pool": identity_pool_caller(everywhere.account, "ada"),
    }


@pytest.mark.parametrize("name", CAPTURES)
def test_the_kept_event_is_what_ministack_delivers(
    name: str, everywhere: Deployed, callers: dict[str, Caller]
) -> None:
    capture = CAPTURES[name]
    answer = everywhere.call(capture.kind, "GET", capture.path, callers[capture.caller])
    event = fictional(answer.json(), everywhere.account.pool)
    if os.environ.get("KEEP_MINISTACK_EVENTS"):
        keep(name, event)
    assert event == kept(name)


def test_an_access_token_on_an_unscoped_rest_method_is_refused_by_us(
    everywhere: Deployed, tokens: dict[str, str | None]
) -> None:
    """AWS refuses it at the gateway. MiniStack does not: its event vouches for the token."""
    assert kept("rest-cognito-access")["requestContext"]["authorizer"]["claims"]["token_use"] == "access"
    refused = everywhere.call("rest-cognito", "GET", "/me", tokens["ada"])
    assert (refused.status_code, refused.content) == (401, b'{"message":"Unauthorized"}')
    assert refused.headers["x-amzn-errortype"] == "UnauthorizedException"
    assert "www-authenticate" not in refused.headers


def test_a_refusal_by_ministack_has_no_challenge_and_ours_has_that_of_aws(
    everywhere: Deployed, tokens: dict[str, str | None]
) -> None:
    """An HTTP API of AWS sends one: ``Bearer`` where there is no token."""
    by_ministack = everywhere.call("http-jwt", "GET", "/me")
    assert "www-authenticate" not in by_ministack.headers
    by_us = everywhere.call_standalone("http", "GET", "/me", None)
    assert by_us.headers["www-authenticate"] == "Bearer"
    assert by_ministack.json() == by_us.json() == {"message": "Unauthorized"}
    # Where the gateway leaves it to us, the challenge goes out through it.
    through = everywhere.call("http-jwt", "GET", "/", tokens["forged"])
    assert through.headers["www-authenticate"].startswith('Bearer scope="" error="invalid_token"')


@pytest.mark.parametrize("caller", ["IAM user", "identity pool"])
@pytest.mark.parametrize(("kind", "status"), [("http-iam", 403), ("rest-iam", 401)])
def test_a_caller_with_aws_keys_is_no_user_of_the_pool(
    kind: str, status: int, caller: str, everywhere: Deployed, callers: dict[str, Caller]
) -> None:
    """Forbidden, where it is known who signed. MiniStack's REST events say version 1.0: there it is not."""
    for route in ("GET", "/me"), ("DELETE", "/orders/99"):
        assert everywhere.call(kind, *route, callers[caller]).status_code == status


def test_who_signed_is_known_and_which_user_got_the_keys(
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
def test_without_a_signature_an_iam_route_is_not_reached(kind: str, everywhere: Deployed) -> None:
    assert everywhere.call(kind, "GET", "/me").status_code == 403


def test_behind_a_function_url_the_token_decides(everywhere: Deployed, tokens: dict[str, str | None]) -> None:
    for caller, status in (("nobody", 401), ("forged", 401), ("ada", 200)):
        answer = everywhere.call("function-url", "GET", "/me", tokens[caller])
        assert answer.status_code == status
    assert answer.json()["source"] == "token"


def test_a_live_rest_event_spelled_as_aws_does_leads_to_the_same_caller(
    everywhere: Deployed, tokens: dict[str, str | None]
) -> None:
    """MiniStack writes ``version``, ``[a b]`` and digits in REST events, AWS ``a,b`` and Java's dates."""
    event = everywhere.call("rest-cognito", "GET", "/event", tokens["ada's ID"]).json()
    event["path"] = "/me"
    handler = lambda_handler(create_app(guard_of(everywhere.account.pool, "rest")))
    answer = handler(spelled_as_aws(event), None)
    assert (answer["statusCode"], json.loads(answer["body"])["source"]) == (200, "rest")
    alone = everywhere.call_standalone("rest", "GET", "/me", tokens["ada's ID"])
    assert json.loads(answer["body"]) == {**alone.json(), "source": "rest"}


def test_the_function_logs_why_it_refused_and_no_token(
    everywhere: Deployed, tokens: dict[str, str | None]
) -> None:
    everywhere.call("function-url", "GET", "/me", tokens["forged"])
    logs = everywhere.account.service("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    lines = [
        event["message"] for group in groups for event in logs.filter_log_events(logGroupName=group)["events"]
    ]
    assert any("refused with 401: key_unknown" in line for line in lines)
    assert not any("eyJ" in line for line in lines)
