"""Events that API Gateway, function URLs and load balancers send to a function."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing.gateway import contexts, payloads
from fastapi_cognito_guard.testing.gateway.contexts import AuthorizedRequest, ContextBuilder
from fastapi_cognito_guard.testing.gateway.payloads import EventRequest

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
_SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260702/eu-west-1/execute-api/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=00"
)


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
    ``context``  a Lambda authorizer's context; by default ``{"cognito_claims": <the claims as JSON>}``
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
    if front_door.signed and front_door.write is payloads.write_payload_2:  # a REST API drops the signature
        values["authorization"] = _SIGNATURE
    return _to_lists(values)


def _to_lists(values: Values) -> dict[str, Sequence[str]]:
    return {name: [value] if isinstance(value, str) else value for name, value in values.items()}


FRONT_DOORS: Mapping[Flavour, FrontDoor] = {
    "rest": FrontDoor(payloads.write_payload_1, contexts.rest),
    "rest-jwt": FrontDoor(payloads.write_payload_1, contexts.rest_jwt),
    "http": FrontDoor(payloads.write_payload_2, contexts.http, stage="$default"),
    "http-1.0": FrontDoor(payloads.write_http_1, contexts.http_1, stage="$default"),
    "lambda": FrontDoor(payloads.write_payload_1, contexts.lambda_flat),
    "lambda-2.0": FrontDoor(payloads.write_payload_2, contexts.lambda_2, stage="$default"),
    "iam": FrontDoor(payloads.write_payload_1, contexts.iam, signed=True),
    "iam-2.0": FrontDoor(payloads.write_payload_2, contexts.iam_2, stage="$default", signed=True),
    "function-url": FrontDoor(
        payloads.write_payload_2, contexts.none, host=_FUNCTION_URL_HOST, stage="$default"
    ),
    "alb": FrontDoor(payloads.write_load_balancer, contexts.none, host=_LOAD_BALANCER_HOST),
    "websocket": FrontDoor(payloads.write_message, contexts.lambda_flat),
}
