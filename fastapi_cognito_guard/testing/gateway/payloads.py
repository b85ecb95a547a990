"""Payloads of events: a request as each front door writes it, without what an authorizer adds."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus, urlencode

from fastapi_cognito_guard.testing.gateway.contexts import ACCOUNT, IDENTITY

_IP, _AGENT = "203.0.113.10", "test"
_EPOCH_MS = 1_782_992_635_624  # a fixed time
_TIME = "02/Jul/2026:11:43:55 +0000"  # the same


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


def write_payload_1(request: EventRequest) -> dict[str, Any]:
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
        "domainPrefix": request.last("host").partition(".")[0],
        "requestId": "92ba0ad0-5358-4ace-b64f-015c46000000",
        "extendedRequestId": "Xexample=",
        "requestTime": _TIME,
        "requestTimeEpoch": _EPOCH_MS,
        "identity": {**IDENTITY, "sourceIp": _IP, "userAgent": _AGENT},
    }


def write_http_1(request: EventRequest) -> dict[str, Any]:
    return {"version": "1.0", **write_payload_1(request)}


def write_payload_2(request: EventRequest) -> dict[str, Any]:
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
        "time": _TIME,
        "timeEpoch": _EPOCH_MS,
    }


def write_load_balancer(request: EventRequest) -> dict[str, Any]:
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


def write_message(request: EventRequest) -> dict[str, Any]:
    """Write the event of a WebSocket message, which has no path and no headers."""
    return {
        "requestContext": {
            "routeKey": "$default",
            "eventType": "MESSAGE",
            "messageDirection": "IN",
            "messageId": "Mexample=",
            "connectionId": "Cexample=",
            "connectedAt": _EPOCH_MS,
            "requestTime": _TIME,
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
