"""Events that front doors send to a function."""

from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, quote_plus, urlencode

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing.gateway import contexts
from fastapi_cognito_guard.testing.gateway.contexts import ACCOUNT, IDENTITY, AcceptedRequest, ContextBuilder

Flavour = Literal[
    "rest", "rest-jwt", "http", "http-1.0", "lambda", "lambda-2.0", "iam", "iam-2.0", "function-url", "alb",
    "websocket",
]  # fmt: skip
"""FrontDoor door.

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

_API = "a1b2c3.execute-api.eu-west-1.amazonaws.com"
_IP, _AGENT = "203.0.113.10", "test"
_EPOCH = 1_782_992_635_624  # milliseconds: a fixed time
_SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260702/eu-west-1/execute-api/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=00"
)


class EventRequest(NamedTuple):
    """Request that becomes an event. Headers and query have all values by name."""

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, Sequence[str]]
    body: str | bytes | None
    stage: str

    @property
    def full_path(self) -> str:
        """Path in the client's address, on the gateway's own domain."""
        return self.path if self.stage == "$default" else f"/{self.stage}{self.path}"

    def last(self, name: str) -> str:
        """Return the last value of a header, which counts where there is room for one."""
        return next(values[-1] for key, values in self.headers.items() if key.lower() == name)

    def payload(self) -> dict[str, Any]:
        """Return the members of the body: bytes as base64."""
        if isinstance(self.body, bytes):
            return {"body": b64encode(self.body).decode(), "isBase64Encoded": True}
        return {"body": self.body, "isBase64Encoded": False}


class FrontDoor(NamedTuple):
    """The functions that write a front door's request and context, its default host and its stage."""

    write: Callable[[EventRequest], dict[str, Any]]
    authorizer: ContextBuilder
    host: str = _API
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

    ``claims``   of the token that the authorizer has accepted, with the token's types; None for a route
                 without an authorizer. For IAM: the user of an identity pool's credentials, None for other
                 credentials. Load balancers and open function URLs have none
    ``token``    for the ``Authorization`` header (which has the signature if the caller is IAM's)
    ``body``     bytes travel as base64, text as it is
    ``scopes``   the route's authorization scopes; None for a route that has none
    ``context``  a Lambda authorizer's own; by default ``{"claims": <the claims as JSON>}``
    ``stage``    by default ``prod`` for REST and WebSocket APIs, and ``$default`` elsewhere
    """
    if flavour not in FRONTS:
        raise ConfigurationError(f"A flavour is one of {', '.join(FRONTS)}.", setting="flavour")
    front = FRONTS[flavour]
    given: dict[str, str | Sequence[str]] = {"host": front.host, **(headers or {})}
    if token is not None and not front.signed:
        given["authorization"] = f"Bearer {token}"
    if front.signed and front.write is _write_payload_2:  # a REST API drops it
        given["authorization"] = _SIGNATURE
    event = front.write(
        EventRequest(method, path, _as_lists(query or {}), _as_lists(given), body, stage or front.stage)
    )
    if claims is not None or context is not None or front.signed:
        where = event["requestContext"]
        for name, members in front.authorizer(AcceptedRequest(claims, scopes, context)).items():
            where[name] = {**where.get(name, {}), **members}
    return event


def _as_lists(values: Values) -> dict[str, Sequence[str]]:
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
        "requestContext": {
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
            "requestTimeEpoch": _EPOCH,
            "identity": {**IDENTITY, "sourceIp": _IP, "userAgent": _AGENT},
        },
        **request.payload(),
    }


def _write_http_1(request: EventRequest) -> dict[str, Any]:
    return {"version": "1.0", **_write_payload_1(request)}


def _write_payload_2(request: EventRequest) -> dict[str, Any]:
    joined = {name: ",".join(values) for name, values in request.query.items()}
    headers = {name.lower(): ",".join(values) for name, values in request.headers.items()}
    cookies = headers.pop("cookie", None)
    route = "$default" if ".lambda-url." in headers["host"] else f"{request.method} {request.path}"
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": request.full_path,
        "rawQueryString": urlencode(request.query, doseq=True),
        **({"cookies": cookies.split("; ")} if cookies else {}),
        "headers": headers,
        **({"queryStringParameters": joined} if joined else {}),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "a1b2c3",
            "domainName": headers["host"],
            "domainPrefix": headers["host"].partition(".")[0],
            "http": {
                "method": request.method,
                "path": request.full_path,
                "protocol": "HTTP/1.1",
                "sourceIp": _IP,
                "userAgent": _AGENT,
            },
            "requestId": "Kexample=",
            "routeKey": route,
            "stage": request.stage,
            "time": "02/Jul/2026:11:43:55 +0000",
            "timeEpoch": _EPOCH,
        },
        **request.payload(),
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
        **request.payload(),
        "body": request.payload()["body"] or "",
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
            "connectedAt": _EPOCH,
            "requestTimeEpoch": _EPOCH,
            "requestId": "Rexample=",
            "extendedRequestId": "Rexample=",
            "apiId": "a1b2c3",
            "stage": request.stage,
            "domainName": request.last("host"),
            "identity": {"sourceIp": _IP, "userAgent": _AGENT},
        },
        **request.payload(),
    }


def _take_last(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: several[-1] for name, several in values.items()}


_URL = "u1r2l3.lambda-url.eu-west-1.on.aws"
_BALANCER = "app-123.eu-west-1.elb.amazonaws.com"

FRONTS: Mapping[Flavour, FrontDoor] = {
    "rest": FrontDoor(_write_payload_1, contexts.rest),
    "rest-jwt": FrontDoor(_write_payload_1, contexts.rest_jwt),
    "http": FrontDoor(_write_payload_2, contexts.http, stage="$default"),
    "http-1.0": FrontDoor(_write_http_1, contexts.http_1, stage="$default"),
    "lambda": FrontDoor(_write_payload_1, contexts.lambda_flat),
    "lambda-2.0": FrontDoor(_write_payload_2, contexts.lambda_2, stage="$default"),
    "iam": FrontDoor(_write_payload_1, contexts.iam, signed=True),
    "iam-2.0": FrontDoor(_write_payload_2, contexts.iam_2, stage="$default", signed=True),
    "function-url": FrontDoor(_write_payload_2, contexts.nobody, host=_URL, stage="$default"),
    "alb": FrontDoor(_write_load_balancer, contexts.nobody, host=_BALANCER),
    "websocket": FrontDoor(_write_message, contexts.lambda_flat),
}
