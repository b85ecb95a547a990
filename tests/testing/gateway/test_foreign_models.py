"""Played events as Powertools reads them: its models validate them, and its data classes read them."""

import json
from typing import Any, get_args

import pytest
from aws_lambda_powertools.utilities.data_classes import (
    ALBEvent,
    APIGatewayProxyEvent,
    APIGatewayProxyEventV2,
    APIGatewayWebSocketEvent,
    LambdaFunctionUrlEvent,
)
from aws_lambda_powertools.utilities.parser.models import (
    AlbModel,
    ApiGatewayAuthorizerRequest,
    ApiGatewayAuthorizerRequestV2,
    ApiGatewayAuthorizerToken,
    APIGatewayProxyEventModel,
    APIGatewayProxyEventV2Model,
    APIGatewayWebSocketMessageEventModel,
    LambdaFunctionUrlModel,
)
from pydantic import BaseModel

from fastapi_cognito_guard.deploy import lambda_authorizer
from fastapi_cognito_guard.testing import FakeUserPool, Flavour, gateway_event
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import guard_for

MODELS: dict[Flavour, type[BaseModel]] = {
    **dict.fromkeys(get_args(Flavour), APIGatewayProxyEventModel),
    **dict.fromkeys(("http", "lambda-2.0", "iam-2.0"), APIGatewayProxyEventV2Model),
    "function-url": LambdaFunctionUrlModel,
    "alb": AlbModel,
    "websocket": APIGatewayWebSocketMessageEventModel,
}
REST: list[Flavour] = ["rest", "rest-jwt", "http-1.0", "lambda", "iam"]
CALLERS = ("nobody", "access", "id", "machine", "scoped", "context")
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "query": {"query": {"a": ["1", "2"], "b": ""}, "headers": {"X-Both": ["p", "q"], "Cookie": "c=1; d=2"}},
    "text": {"method": "POST", "body": '{"a": 1}', "path": "/orders/1", "stage": "v1"},
    "bytes": {"method": "PUT", "body": b"\xff\x00"},
}


def build(pool: FakeUserPool, flavour: Flavour, caller: str, request: str = "plain") -> dict[str, Any]:
    tokens = {"id": pool.id_token(groups=["a", "b"]), "machine": pool.machine_token(scopes=["orders/read"])}
    token = tokens.get(caller) or pool.access_token(groups=["a", "b"], scopes=["orders/read"])
    extra: dict[str, Any] = {"scopes": ["orders/read"]} if caller == "scoped" else {}
    if caller == "context":
        extra = {"context": {"tier": 3, "beta": True, "name": "ada"}}
    event = pool.event(flavour, token, vouched=caller != "nobody", **extra, **REQUESTS[request])
    loaded: dict[str, Any] = json.loads(json.dumps(event))  # as Lambda's runtime receives it
    return loaded


def fold_headers(event: dict[str, Any]) -> dict[str, Any]:
    """Write an ALB event as a target group without multi-value headers does: AlbModel knows no other."""
    for single, several in (
        ("headers", "multiValueHeaders"),
        ("queryStringParameters", "multiValueQueryStringParameters"),
    ):
        event[single] = {name: values[-1] for name, values in event.pop(several).items()}
    return event


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("flavour", MODELS)
def test_powertools_models_accept_the_event_of_each_front_door_and_caller(
    pool: FakeUserPool, flavour: Flavour, caller: str, request_: str
) -> None:
    event = build(pool, flavour, caller, request_)
    MODELS[flavour].model_validate(fold_headers(event) if flavour == "alb" else event)


@pytest.mark.parametrize("flavour", REST)
def test_powertools_reads_time_and_domain_of_a_rest_event(pool: FakeUserPool, flavour: Flavour) -> None:
    context = APIGatewayProxyEvent(build(pool, flavour, "access")).request_context
    assert context.request_time == "02/Jul/2026:11:43:55 +0000"
    assert context.extended_request_id
    assert context.domain_name is not None
    assert context.domain_prefix == context.domain_name.split(".")[0] == "a1b2c3"
    model = APIGatewayProxyEventModel.model_validate(build(pool, flavour, "access")).requestContext
    assert model.requestTimeEpoch.strftime("%d/%b/%Y:%H:%M:%S +0000") == model.requestTime


def test_powertools_reads_the_claims_of_each_authorizer(pool: FakeUserPool) -> None:
    sub = pool.sub("ada")
    for flavour in ("rest", "rest-jwt", "http-1.0"):
        event = APIGatewayProxyEvent(build(pool, flavour, "scoped"))
        assert event.request_context.authorizer.claims["sub"] == sub
    authorizer = APIGatewayProxyEventV2(build(pool, "http", "scoped")).request_context.authorizer
    assert (authorizer.jwt_claim["sub"], authorizer.jwt_scopes) == (sub, ["orders/read"])
    own = APIGatewayProxyEventV2(build(pool, "lambda-2.0", "access")).request_context.authorizer.get_lambda
    assert json.loads(own["cognito_claims"])["sub"] == sub
    flat = APIGatewayProxyEvent(build(pool, "lambda", "access")).request_context.authorizer
    assert (flat.principal_id, json.loads(flat["cognito_claims"])["sub"], flat.claims) == (sub, sub, {})


def test_powertools_reads_iam_callers(pool: FakeUserPool) -> None:
    identity = APIGatewayProxyEvent(build(pool, "iam", "access")).request_context.identity
    assert (identity.cognito_authentication_provider or "").endswith(f":CognitoSignIn:{pool.sub('ada')}")
    iam = APIGatewayProxyEventV2(build(pool, "iam-2.0", "access")).request_context.authorizer.iam
    assert iam.cognito_amr[0] == "authenticated"
    assert iam.user_arn == identity.user_arn
    assert build(pool, "iam-2.0", "nobody")["requestContext"]["authorizer"]["iam"]["cognitoIdentity"] is None


def test_powertools_reads_events_of_other_front_doors(pool: FakeUserPool) -> None:
    socket = APIGatewayWebSocketEvent(build(pool, "websocket", "access")).request_context
    assert (socket.request_time, socket.event_type) == ("02/Jul/2026:11:43:55 +0000", "MESSAGE")
    balancer = ALBEvent(build(pool, "alb", "nobody", "query"))
    assert balancer.resolved_query_string_parameters["a"] == ["1", "2"]
    assert balancer.multi_value_headers["x-both"] == ["p", "q"]
    url = LambdaFunctionUrlEvent(build(pool, "function-url", "nobody", "query"))
    assert (url.cookies, url.raw_query_string) == (["c=1", "d=2"], "a=1&a=2&b=")


ARN = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/GET/orders"


def test_powertools_and_the_lambda_authorizer_accept_the_same_authorizer_events(pool: FakeUserPool) -> None:
    token = pool.access_token()
    handler = lambda_authorizer(guard_for(pool))
    rest = {**gateway_event("rest", token=token, path="/orders"), "type": "REQUEST", "methodArn": ARN}
    simple = {
        **gateway_event("http", token=token, path="/orders"),
        "type": "REQUEST",
        "routeArn": ARN,
        "identitySource": [f"Bearer {token}"],
    }
    alone = {"type": "TOKEN", "methodArn": ARN, "authorizationToken": f"Bearer {token}"}
    for event, model in (
        (rest, ApiGatewayAuthorizerRequest),
        (simple, ApiGatewayAuthorizerRequestV2),
        (alone, ApiGatewayAuthorizerToken),
    ):
        model.model_validate(event)
        context = handler(event, None)["context"]
        assert json.loads(context["cognito_claims"])["sub"] == unverified_claims(token)["sub"]
