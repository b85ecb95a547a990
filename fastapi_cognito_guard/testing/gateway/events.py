"""Events that API Gateway, function URLs and load balancers send to a function."""

from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, quote_plus, urlencode

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing.gateway import contexts
from fastapi_cognito_guard.testing.gateway.contexts import (
    ACCOUNT,
    IDENTITY,
    AuthorizedRequest,
    ContextBuilder,
)

Flavour = Literal[
    "rest", "rest-jwt", "http", "http-1.0", "lambda", "lambda-2.0", "iam", "iam-2.0", "function-url", "alb",
    "websocket",
]  # fmt: skip
"""Front door of a function, and its authorizer.

=================  ============================================================================
``rest``           REST API, COGNITO_USER_POOLS
``rest-jwt``       REST API, JWT
``http``           HTTP API, JWT, payload 2.0
``http-1.0``       HTTP API, JWT, payload 1.0
``lambda``         REST API, Lambda authorizer (TOKEN or REQUEST)
``lambda-2.0``     HTTP API, Lambda authorizer, payload 2.0
``iam``            REST API, AWS_IAM
``iam-2.0``        HTTP API or function URL, AWS_IAM
``function-url``   function URL without authorization
``alb``            Application Load Balancer
``websocket``      WebSocket API, a message after ``$connect`` with a Lambda authorizer; not for Mangum
=================  ============================================================================
"""

Values = Mapping[str, str | Sequence[str]]

_API_HOST = "a1b2c3.execute-api.eu-west-1.amazonaws.com"
_FUNCTION_URL_HOST = "u1r2l3.lambda-url.eu-west-1.on.aws"
_LOAD_BALANCER_HOST = "app-123.eu-west-1.elb.amazonaws.com"
_IP, _AGENT = "203.0.113.10", "test"
_EPOCH_MS = 1_782_992_635_624  # a fixed time
_SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260702/eu-west-1/execute-api/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=00"
)


class EventRequest(NamedTuple):
    """Request to write as an event. Query and headers map each name to all its values."""

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, Sequence[str]]
    body: str | bytes | None
    stage: str

    @property
    def full_path(self) -> str:
        """Path with the stage before it, as in addresses on the gateway's own domain."""
        return self.path if self.stage == "$default" else f"/{self.stage}{self.path}"

    def last(self, name: str) -> str:
        """Return the last value of a header."""
        return next(values[-1] for key, values in self.headers.items() if key.lower() == name)

    def build_body(self) -> dict[str, Any]:
        """Build the members of the body. Bytes are written as base64."""
        if isinstance(self.body, bytes):
            return {"body": b64encode(self.body).decode(), "isBase64Encoded": True}
        return {"body": self.body, "isBase64Encoded": False}


class FrontDoor(NamedTuple):
    """Functions that write a front door's request and authorizer context, and its default host and stage."""

    write: Callable[[EventRequest], dict[str, Any]]
    authorizer: ContextBuilder
    host: str = _API_HOST
    stage: str = "prod"
    signed: bool = False


def gateway_event(
    flavour: Flavour,
    *,
    claims: Mapping[str, Any] | None = None,
    token: str | None = None,
    method: str = "GET",
    path: str = "/",
    query: Values | None = None,
    headers: Values | None = None,
    body: str | bytes | None = None,
    scopes: Collection[str] | None = None,
    context: Mapping[str, Any] | None = None,
    stage: str | None = None,
) -> dict[str, Any]:
    """Build the event that a function receives.

    ``claims``   claims of the token that the authorizer accepted, with the token's types; None for a route
                 without an authorizer. For IAM: of the user who got the credentials from an identity pool,
                 None for other credentials. Ignored for load balancers and open function URLs
    ``token``    token in the ``Authorization`` header; ignored for IAM, whose signature stands there
    ``body``     bytes are written as base64, text as it is
    ``scopes``   the route's authorization scopes; None for a route that has none
    ``context``  a Lambda authorizer's context; by default ``{"claims": <the claims as JSON>}``
    ``stage``    by default ``prod`` for REST and WebSocket APIs, and ``$default`` elsewhere
    """
    if flavour not in FRONT_DOORS:
        raise ConfigurationError(f"A flavour is one of {', '.join(FRONT_DOORS)}.", setting="flavour")
    front_door = FRONT_DOORS[flavour]
    sent = _build_headers(front_door, headers or {}, token)
    request = EventRequest(method, path, _to_lists(query or {}), sent, body, stage or front_door.stage)
    event = front_door.write(request)
    if claims is not None or context is not None or front_door.signed:
        request_context = event["requestContext"]
        for name, members in front_door.authorizer(AuthorizedRequest(claims, scopes, context)).items():
            request_context[name] = {**request_context.get(name, {}), **members}
    return event


def _build_headers(front_door: FrontDoor, headers: Values, token: str | None) -> dict[str, Sequence[str]]:
    values: dict[str, str | Sequence[str]] = {"host": front_door.host, **headers}
    if token is not None and not front_door.signed:
        values["authorization"] = f"Bearer {token}"
    if front_door.signed and front_door.write is _write_payload_2:  # a REST API drops the signature
        values["authorization"] = _SIGNATURE
    return _to_lists(values)


def _to_lists(values: Values) -> dict[str, Sequence[str]]:
    return {name: [value] if isinstance(value, str) else value for name, value in values.items()}


def _write_payload_1(request: EventRequest) -> dict[str, Any]:
    return {
        "resource": "/{proxy+}",
        "path": request.path,
        "httpMethod": request.method,
        "headers": _take_last(request.headers),
        "multiValueHeaders": {name: [*values] for name, values in request.headers.items()},
        "queryStringParameters": _take_last(request.query) or None,
        "multiValueQueryStringParameters": {name: [*values] for name, values in request.query.items()}
        or None,
        "pathParameters": {"proxy": request.path.lstrip("/")},
        "stageVariables": None,
        "requestContext": _build_context_1(request),
        **request.build_body(),
    }


def _build_context_1(request: EventRequest) -> dict[str, Any]:
    return {
        "resourceId": "r1e2s3",
        "resourcePath": "/{proxy+}",
        "httpMethod": request.method,
        "path": request.full_path,
        "stage": request.stage,
        "accountId": ACCOUNT,
        "protocol": "HTTP/1.1",
        "apiId": "a1b2c3",
        "domainName": request.last("host"),
        "requestId": "92ba0ad0-5358-4ace-b64f-015c46000000",
        "requestTimeEpoch": _EPOCH_MS,
        "identity": {**IDENTITY, "sourceIp": _IP, "userAgent": _AGENT},
    }


def _write_http_1(request: EventRequest) -> dict[str, Any]:
    return {"version": "1.0", **_write_payload_1(request)}


def _write_payload_2(request: EventRequest) -> dict[str, Any]:
    joined = {name: ",".join(values) for name, values in request.query.items()}
    headers = {name.lower(): ",".join(values) for name, values in request.headers.items()}
    cookies = headers.pop("cookie", None)
    context = _build_context_2(request, headers["host"])
    return {
        "version": "2.0",
        "routeKey": context["routeKey"],
        "rawPath": request.full_path,
        "rawQueryString": urlencode(request.query, doseq=True),
        **({"cookies": cookies.split("; ")} if cookies else {}),
        "headers": headers,
        **({"queryStringParameters": joined} if joined else {}),
        "requestContext": context,
        **request.build_body(),
    }


def _build_context_2(request: EventRequest, host: str) -> dict[str, Any]:
    return {
        "accountId": ACCOUNT,
        "apiId": "a1b2c3",
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.full_path,
            "protocol": "HTTP/1.1",
            "sourceIp": _IP,
            "userAgent": _AGENT,
        },
        "requestId": "Kexample=",
        "routeKey": "$default" if ".lambda-url." in host else f"{request.method} {request.path}",
        "stage": request.stage,
        "time": "02/Jul/2026:11:43:55 +0000",
        "timeEpoch": _EPOCH_MS,
    }


def _write_load_balancer(request: EventRequest) -> dict[str, Any]:
    """Write a load balancer's event, with multi-value headers. Path and query stay encoded."""
    forwarded = {"x-forwarded-for": [_IP], "x-forwarded-port": ["443"], "x-forwarded-proto": ["https"]}
    group = f"arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:targetgroup/app/0123456789abcdef"
    return {
        "requestContext": {"elb": {"targetGroupArn": group}},
        "httpMethod": request.method,
        "path": quote(request.path),
        "multiValueQueryStringParameters": {
            quote_plus(name): [quote_plus(value) for value in values]
            for name, values in request.query.items()
        },
        "multiValueHeaders": forwarded
        | {name.lower(): [*values] for name, values in request.headers.items()},
        **request.build_body(),
        "body": request.build_body()["body"] or "",
    }


def _write_message(request: EventRequest) -> dict[str, Any]:
    """Write the event of a WebSocket message, which has no path and no headers."""
    return {
        "requestContext": {
            "routeKey": "$default",
            "eventType": "MESSAGE",
            "messageDirection": "IN",
            "messageId": "Mexample=",
            "connectionId": "Cexample=",
            "connectedAt": _EPOCH_MS,
            "requestTimeEpoch": _EPOCH_MS,
            "requestId": "Rexample=",
            "extendedRequestId": "Rexample=",
            "apiId": "a1b2c3",
            "stage": request.stage,
            "domainName": request.last("host"),
            "identity": {"sourceIp": _IP, "userAgent": _AGENT},
        },
        **request.build_body(),
    }


def _take_last(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: several[-1] for name, several in values.items()}


FRONT_DOORS: Mapping[Flavour, FrontDoor] = {
    "rest": FrontDoor(_write_payload_1, contexts.rest),
    "rest-jwt": FrontDoor(_write_payload_1, contexts.rest_jwt),
    "http": FrontDoor(_write_payload_2, contexts.http, stage="$default"),
    "http-1.0": FrontDoor(_write_http_1, contexts.http_1, stage="$default"),
    "lambda": FrontDoor(_write_payload_1, contexts.lambda_flat),
    "lambda-2.0": FrontDoor(_write_payload_2, contexts.lambda_2, stage="$default"),
    "iam": FrontDoor(_write_payload_1, contexts.iam, signed=True),
    "iam-2.0": FrontDoor(_write_payload_2, contexts.iam_2, stage="$default", signed=True),
    "function-url": FrontDoor(_write_payload_2, contexts.none, host=_FUNCTION_URL_HOST, stage="$default"),
    "alb": FrontDoor(_write_load_balancer, contexts.none, host=_LOAD_BALANCER_HOST),
    "websocket": FrontDoor(_write_message, contexts.lambda_flat),
}
