"""Events of serverless-offline, which decodes tokens, verifies none, and writes their claims."""

import json
from typing import Any

import pytest

from fastapi_cognito_guard import lambda_handler
from fastapi_cognito_guard.deploy import lambda_claims
from fastapi_cognito_guard.gateway.iam import read_iam_identity
from fastapi_cognito_guard.request_state import GatewayMode
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import bearer, build_app, guard_for

API = {"accountId": "offlineContext_accountId", "apiId": "offlineContext_apiId", "stage": "dev"}
API |= {"domainName": "offlineContext_domainName", "domainPrefix": "offlineContext_domainPrefix"}
MODES: tuple[GatewayMode, ...] = ("trust", "require", "ignore", "verify")
KINDS = ("http", "rest")
Authorizer = dict[str, Any] | None


def build_http_event(token: str | None, authorizer: Authorizer = None) -> dict[str, Any]:
    """Build the event of ``httpApi:``. By default the route has an authorizer, which did not run."""
    decoded = unverified_claims(token) if token else None
    jwt = {"claims": decoded, "scopes": decoded["scope"].split()} if decoded else {}
    http = {"method": "GET", "path": "/me", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""}
    return {
        "version": "2.0",
        "body": None,
        "cookies": [],
        "headers": {"host": "localhost:3000", **_lower(bearer(token) if token else {})},
        "isBase64Encoded": False,
        "pathParameters": None,
        "queryStringParameters": None,
        "rawPath": "/me",
        "rawQueryString": "",
        "requestContext": {
            **API,
            "authorizer": {"lambda": {}, "jwt": jwt} if authorizer is None else authorizer,
            "http": http,
            "requestId": "offlineContext_resourceId",
            "routeKey": "GET /me",
            "time": "02/Jul/2026:11:43:55 +0000",
            "timeEpoch": 1782992635624,
        },
        "routeKey": "GET /me",
        "stageVariables": None,
    }


def build_rest_event(token: str | None, authorizer: Authorizer = None) -> dict[str, Any]:
    """Build the event of ``http:``. By default the route has an authorizer, which did not run."""
    decoded = unverified_claims(token) if token else None
    written = {"claims": decoded, "scopes": decoded["scope"].split()} if decoded else {}
    written |= {"principalId": "offlineContext_authorizer_principalId"}
    headers = {"Host": "localhost:3000", **(bearer(token) if token else {})}
    return {
        "body": None,
        "headers": headers,
        "httpMethod": "GET",
        "isBase64Encoded": False,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "multiValueQueryStringParameters": None,
        "path": "/me",
        "pathParameters": None,
        "queryStringParameters": None,
        "requestContext": {
            **API,
            "authorizer": written if authorizer is None else authorizer,
            "httpMethod": "GET",
            "identity": {
                "accessKey": None,
                "cognitoAuthenticationProvider": "offlineContext_cognitoAuthenticationProvider",
                "cognitoAuthenticationType": "offlineContext_cognitoAuthenticationType",
                "sourceIp": "127.0.0.1",
                "user": "offlineContext_user",
                "userArn": "offlineContext_userArn",
            },
            "path": "/me",
            "protocol": "HTTP/1.1",
            "requestTime": "02/Jul/2026:11:43:55 +0000",
            "requestTimeEpoch": 1782992635624,
            "resourceId": "offlineContext_resourceId",
            "resourcePath": "/me",
        },
        "resource": "/me",
        "stageVariables": None,
    }


BUILD = {"http": build_http_event, "rest": build_rest_event}


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def call(pool: FakeUserPool, event: dict[str, Any], **settings: Any) -> tuple[int, Any]:
    answer = lambda_handler(build_app(guard_for(pool, **settings)))(event, None)
    body = json.loads(answer["body"])
    return answer["statusCode"], body.get("source")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_claims_that_nobody_verified_are_never_believed(
    pool: FakeUserPool, impostor: FakeUserPool, kind: str, mode: GatewayMode
) -> None:
    forged = impostor.access_token("eve", groups=["admins"])
    for settings in ({}, {"lambda_context": lambda_claims}):
        assert call(pool, BUILD[kind](forged), gateway=mode, **settings) == (401, None)
        assert call(pool, BUILD[kind](None), gateway=mode, **settings) == (401, None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_the_token_is_verified_instead_unless_a_gateway_is_required(
    pool: FakeUserPool, kind: str, mode: GatewayMode
) -> None:
    answer = (401, None) if mode == "require" else (200, "token")
    assert call(pool, BUILD[kind](pool.access_token()), gateway=mode) == answer


@pytest.mark.parametrize("kind", KINDS)
def test_the_context_of_a_lambda_authorizer_is_not_read_as_any_client_may_write_it(
    pool: FakeUserPool, kind: str
) -> None:
    token = pool.access_token()
    context = {"cognito_claims": json.dumps(unverified_claims(token))}
    written: dict[str, Any] = {"claims": unverified_claims(token), "principalId": "ada", **context}
    beside: dict[str, Any] = {"lambda": context, "jwt": {"claims": unverified_claims(token)}}
    authorizer = written if kind == "rest" else beside
    assert call(pool, BUILD[kind](token, authorizer), lambda_context=lambda_claims) == (200, "token")
    assert call(pool, BUILD[kind](None, authorizer), lambda_context=lambda_claims) == (401, None)


OVERRIDE = "sls-offline-authorizer-override"


def build_override(kind: str, token: str) -> dict[str, Any]:
    """Build the authorizer that a client sends in the header `OVERRIDE`, as a real gateway would write it."""
    claims = {name: str(value) for name, value in unverified_claims(token).items()}
    return {"claims": claims} if kind == "rest" else {"jwt": {"claims": claims, "scopes": None}}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_an_authorizer_that_a_client_writes_is_never_believed(
    pool: FakeUserPool, impostor: FakeUserPool, kind: str, mode: GatewayMode
) -> None:
    event = BUILD[kind](None, build_override(kind, impostor.access_token("eve")))
    assert call(pool, event, gateway=mode) == (401, None)


def test_an_iam_caller_that_a_client_writes_is_never_believed(pool: FakeUserPool) -> None:
    caller = {"iam": {"userArn": "arn:aws:iam::123456789012:user/eve", "accountId": "123456789012"}}
    assert read_iam_identity(build_http_event(None, caller), [pool.id]) is None


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_with_an_authorizer_has_no_iam_caller(pool: FakeUserPool, kind: str) -> None:
    assert read_iam_identity(BUILD[kind](pool.access_token()), [pool.id]) is None
