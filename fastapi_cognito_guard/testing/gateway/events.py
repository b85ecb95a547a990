"""Events as each front door sends them to a function: the request, and what an authorizer adds to it."""

from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, quote_plus, urlencode

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing.gateway import contexts
from fastapi_cognito_guard.testing.gateway.contexts import ACCOUNT, IDENTITY, Authorizer, Passed

Flavour = Literal[
    "rest", "rest-jwt", "http", "http-1.0", "lambda", "lambda-2.0", "iam", "iam-2.0", "function-url", "alb",
    "websocket",
]  # fmt: skip
"""A front door.

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
_EPOCH = 1_782_992_635_624  # milliseconds; nothing here reads the clock
_SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260702/eu-west-1/execute-api/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=00"
)


class AuthorizerEvent(NamedTuple):
    """A request on its way to a function. Headers and query by name, with all their values."""

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, Sequence[str]]
    body: str | bytes | None
    stage: str

    @property
    def full_path(self) -> str:
        """The path as the caller's address has it, on the gateway's own domain."""
        return self.path if self.stage == "$default" else f"/{self.stage}{self.path}"

    def last(self, name: str) -> str:
        """The header's value that counts where there is room for one."""
        return next(values[-1] for key, values in self.headers.items() if key.lower() == name)

    def payload(self) -> dict[str, Any]:
        """The body: bytes travel as base64."""
        if isinstance(self.body, bytes):
            return {"body": b64encode(self.body).decode(), "isBase64Encoded": True}
        return {"body": self.body, "isBase64Encoded": False}


class Front(NamedTuple):
    """How a front door writes a request, who authorizes there, and its default host and stage."""

    write: Callable[[AuthorizerEvent], dict[str, Any]]
    authorizer: Authorizer
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
    """An event that a function gets.

    ``claims``   of the token that the authorizer has let pass, with a token's own types; None for a
                 route without an authorizer. For IAM: the user to whom an identity pool gave credentials,
                 None for other credentials. Load balancers and open function URLs pass none on
    ``token``    is put into ``Authorization`` (but for IAM, where the signature is)
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
    if front.signed and front.write is _payload_2:  # a REST API drops it
        given["authorization"] = _SIGNATURE
    event = front.write(
        AuthorizerEvent(method, path, _listed(query or {}), _listed(given), body, stage or front.stage)
    )
    if claims is not None or context is not None or front.signed:
        where = event["requestContext"]
        for name, members in front.authorizer(Passed(claims, scopes, context)).items():
            where[name] = {**where.get(name, {}), **members}
    return event


def _listed(values: Values) -> dict[str, Sequence[str]]:
    return {name: [value] if isinstance(value, str) else value for name, value in values.items()}


def _payload_1(asked: AuthorizerEvent) -> dict[str, Any]:
    return {
        "resource": "/{proxy+}",
        "path": asked.path,
        "httpMethod": asked.method,
        "headers": _lasts(asked.headers),
        "multiValueHeaders": {name: [*values] for name, values in asked.headers.items()},
        "queryStringParameters": _lasts(asked.query) or None,
        "multiValueQueryStringParameters": {name: [*values] for name, values in asked.query.items()} or None,
        "pathParameters": {"proxy": asked.path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "resourceId": "r1e2s3",
            "resourcePath": "/{proxy+}",
            "httpMethod": asked.method,
            "path": asked.full_path,
            "stage": asked.stage,
            "accountId": ACCOUNT,
            "protocol": "HTTP/1.1",
            "apiId": "a1b2c3",
            "domainName": asked.last("host"),
            "requestId": "92ba0ad0-5358-4ace-b64f-015c46000000",
            "requestTimeEpoch": _EPOCH,
            "identity": {**IDENTITY, "sourceIp": _IP, "userAgent": _AGENT},
        },
        **asked.payload(),
    }


def _payload_1_of_http(asked: AuthorizerEvent) -> dict[str, Any]:
    return {"version": "1.0", **_payload_1(asked)}


def _payload_2(asked: AuthorizerEvent) -> dict[str, Any]:
    joined = {name: ",".join(values) for name, values in asked.query.items()}
    headers = {name.lower(): ",".join(values) for name, values in asked.headers.items()}
    cookies = headers.pop("cookie", None)
    route = "$default" if ".lambda-url." in headers["host"] else f"{asked.method} {asked.path}"
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": asked.full_path,
        "rawQueryString": urlencode(asked.query, doseq=True),
        **({"cookies": cookies.split("; ")} if cookies else {}),
        "headers": headers,
        **({"queryStringParameters": joined} if joined else {}),
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "a1b2c3",
            "domainName": headers["host"],
            "domainPrefix": headers["host"].partition(".")[0],
            "http": {
                "method": asked.method,
                "path": asked.full_path,
                "protocol": "HTTP/1.1",
                "sourceIp": _IP,
                "userAgent": _AGENT,
            },
            "requestId": "Kexample=",
            "routeKey": route,
            "stage": asked.stage,
            "time": "02/Jul/2026:11:43:55 +0000",
            "timeEpoch": _EPOCH,
        },
        **asked.payload(),
    }


def _load_balancer(asked: AuthorizerEvent) -> dict[str, Any]:
    """With multi-value headers on. Unlike API Gateway, it leaves path and query encoded."""
    forwarded = {"x-forwarded-for": [_IP], "x-forwarded-port": ["443"], "x-forwarded-proto": ["https"]}
    group = f"arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:targetgroup/app/0123456789abcdef"
    return {
        "requestContext": {"elb": {"targetGroupArn": group}},
        "httpMethod": asked.method,
        "path": quote(asked.path),
        "multiValueQueryStringParameters": {
            quote_plus(name): [quote_plus(value) for value in values] for name, values in asked.query.items()
        },
        "multiValueHeaders": forwarded | {name.lower(): [*values] for name, values in asked.headers.items()},
        **asked.payload(),
        "body": asked.payload()["body"] or "",
    }


def _message(asked: AuthorizerEvent) -> dict[str, Any]:
    """A message has no path and no headers: those were ``$connect``'s."""
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
            "stage": asked.stage,
            "domainName": asked.last("host"),
            "identity": {"sourceIp": _IP, "userAgent": _AGENT},
        },
        **asked.payload(),
    }


def _lasts(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: several[-1] for name, several in values.items()}


_URL = "u1r2l3.lambda-url.eu-west-1.on.aws"
_BALANCER = "app-123.eu-west-1.elb.amazonaws.com"

FRONTS: Mapping[Flavour, Front] = {
    "rest": Front(_payload_1, contexts.rest),
    "rest-jwt": Front(_payload_1, contexts.rest_jwt),
    "http": Front(_payload_2, contexts.http, stage="$default"),
    "http-1.0": Front(_payload_1_of_http, contexts.http_1, stage="$default"),
    "lambda": Front(_payload_1, contexts.lambda_flat),
    "lambda-2.0": Front(_payload_2, contexts.lambda_2, stage="$default"),
    "iam": Front(_payload_1, contexts.iam, signed=True),
    "iam-2.0": Front(_payload_2, contexts.iam_2, stage="$default", signed=True),
    "function-url": Front(_payload_2, contexts.nobody, host=_URL, stage="$default"),
    "alb": Front(_load_balancer, contexts.nobody, host=_BALANCER),
    "websocket": Front(_message, contexts.lambda_flat),
}
