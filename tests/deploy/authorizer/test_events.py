"""Events that a Lambda authorizer takes: any account and API, WebSocket handshakes, and no others."""

from typing import Any

import pytest

from fastapi_cognito_guard import current_user
from fastapi_cognito_guard.deploy import lambda_authorizer
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import guard_for
from tests.deploy.authorizer.events import STAGE_ARN, build_get_app, build_orders_app, make_event
from tests.deploy.model import allows

CONNECT = {"methodArn": f"{STAGE_ARN}/$connect"}
OFFLINE = "arn:aws:execute-api:us-east-1:random-account-id:random-api-id/dev"
PREFIX = "arn:aws:execute-api:us-east-1"


def make_websocket_event(*offers: str, token: str | None = None) -> dict[str, Any]:
    """Return the event of a handshake that offers these subprotocols."""
    event = make_event("request", token) | CONNECT
    event["multiValueHeaders"]["Sec-WebSocket-Protocol"] = list(offers)
    return event


@pytest.mark.parametrize(
    "stage",
    [OFFLINE, f"{PREFIX}:123456789012:ymy8tbxw7b/*", f"{PREFIX}:*:*/*", f"{PREFIX}:1:a_b-c.d/$default"],
)
def test_an_event_of_any_account_and_api_is_decided(pool: FakeUserPool, stage: str) -> None:
    guard = guard_for(pool)
    app = build_orders_app(guard)
    each: list[dict[str, Any]] = [{}, {"app": app}, {"app": app, "cached": False}]
    for settings in each:
        event = make_event("token", pool.access_token()) | {"methodArn": f"{stage}/GET/me"}
        response = lambda_authorizer(guard, **settings)(event, None)
        assert allows(response["policyDocument"], f"{stage}/GET/me")


@pytest.mark.parametrize("stage", [f"{PREFIX}:123456789012:ymy8tbxw7b/*", f"{PREFIX}:*:*/*"])
@pytest.mark.parametrize("cached", [True, False])
def test_a_star_in_the_arn_of_an_event_does_not_widen_a_policy(
    pool: FakeUserPool, stage: str, cached: bool
) -> None:
    """As a wildcard it would match other stages, and slashes: ``prod/POST/a/GET/me``."""
    guard = guard_for(pool)
    authorize = lambda_authorizer(guard, app=build_orders_app(guard), cached=cached)
    event = make_event("token", pool.access_token()) | {"methodArn": f"{stage}/GET/me"}
    policy = authorize(event, None)["policyDocument"]
    for other in ("prod/GET/me", "prod/DELETE/orders/GET/me"):
        assert not allows(policy, f"{PREFIX}:123456789012:ymy8tbxw7b/{other}")


@pytest.mark.parametrize(
    "event",
    [None, [], {}, {"methodArn": 7}, {"methodArn": "arn:aws:s3:::x"},
     {"version": "2.0", "methodArn": f"{STAGE_ARN}/GET/x"}, {"methodArn": f"{PREFIX}:1:a/b?/GET/x"},
     {"methodArn": f"{PREFIX}:1:a/${{*}}/GET/x"}, {"methodArn": f"{PREFIX}:1:/prod/GET/x"},
     {"methodArn": f"{STAGE_ARN}/get/x"}, {"methodArn": f"{STAGE_ARN}/GET*"},
     {"methodArn": f"{STAGE_ARN}/*"}],
    ids=str,
)  # fmt: skip
def test_an_event_that_is_not_an_authorizers_is_a_configuration_error(pool: FakeUserPool, event: Any) -> None:
    with pytest.raises(ConfigurationError, match="attach the function"):
        lambda_authorizer(guard_for(pool))(event, None)


def test_the_error_names_the_arn_in_one_short_line(pool: FakeUserPool) -> None:
    event = {"methodArn": "arn:aws:s3:::x\n" + "y" * 1000}
    with pytest.raises(ConfigurationError) as caught:
        lambda_authorizer(guard_for(pool))(event, None)
    assert r"its methodArn is 'arn:aws:s3:::x\ny" in str(caught.value)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_a_websocket_handshake_is_allowed_unless_the_response_is_too_large(pool: FakeUserPool) -> None:
    authorize = lambda_authorizer(guard_for(pool))
    event = make_event("request", pool.access_token()) | CONNECT
    assert allows(authorize(event, None)["policyDocument"], f"{STAGE_ARN}/$connect")
    large = make_event("request", pool.access_token(claims={"x": "y" * 8000})) | CONNECT
    with pytest.raises(ConfigurationError, match="8 KB"):
        authorize(large, None)


@pytest.mark.parametrize("join", [True, False], ids=["one header", "two headers"])
def test_a_browser_sends_its_token_after_the_guards_subprotocol(pool: FakeUserPool, join: bool) -> None:
    authorize = lambda_authorizer(guard_for(pool, websocket_protocol="cognito"))
    offers = ["chat", "cognito", pool.access_token()]
    event = make_websocket_event(*([", ".join(offers)] if join else offers))
    response = authorize(event, None)
    assert response["principalId"] == pool.sub("ada")
    assert allows(response["policyDocument"], f"{STAGE_ARN}/$connect")


@pytest.mark.parametrize(
    "offers",
    [["cognito"], ["chat"], ["cognito, x.y"], ["cognito, GOOD, cognito, GOOD"], ["cognito", "FORGED"], [""]],
    ids=str,
)
def test_a_handshake_without_one_good_token_is_401(pool: FakeUserPool, offers: list[str]) -> None:
    forger = FakeUserPool(pool.id, client_id=pool.client_id)
    authorize = lambda_authorizer(guard_for(pool, websocket_protocol="cognito"))
    tokens = {"GOOD": pool.access_token(), "FORGED": forger.access_token()}
    texts = [offer.replace("GOOD", tokens["GOOD"]).replace("FORGED", tokens["FORGED"]) for offer in offers]
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        authorize(make_websocket_event(*texts), None)


def test_a_handshake_with_a_token_in_the_header_and_in_the_subprotocol_is_401(pool: FakeUserPool) -> None:
    authorize = lambda_authorizer(guard_for(pool, websocket_protocol="cognito"))
    good = pool.access_token()
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        authorize(make_websocket_event(f"cognito, {good}", token=good), None)


def test_a_subprotocol_is_no_token_without_the_setting_nor_for_a_request(pool: FakeUserPool) -> None:
    offer = f"cognito, {pool.access_token()}"
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        lambda_authorizer(guard_for(pool))(make_websocket_event(offer), None)
    request = make_websocket_event(offer) | {"methodArn": f"{STAGE_ARN}/GET/me"}
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        lambda_authorizer(guard_for(pool, websocket_protocol="cognito"))(request, None)


def test_a_websocket_handshake_with_app_is_a_configuration_error(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    authorize = lambda_authorizer(guard, app=build_get_app(guard, {"/me": current_user}))
    event = make_event("request", pool.access_token()) | CONNECT
    with pytest.raises(ConfigurationError, match="without app"):
        authorize(event, None)
