"""What the app's CORSMiddleware allows, in a gateway's words: browsers must be able to read refusals."""

from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.middleware.cors import SAFELISTED_HEADERS, CORSMiddleware

from fastapi_cognito_guard.deploy.operations import METHODS

if TYPE_CHECKING:
    from fastapi import FastAPI

Document = dict[str, Any]

_HEADER = "gatewayresponse.header."


class Cors(NamedTuple):
    """The settings of the app's CORSMiddleware."""

    origins: Sequence[str]
    origin_regex: str | None
    methods: Sequence[str]
    headers: Sequence[str]
    credentials: bool
    exposed: Sequence[str]
    max_age: int

    @property
    def is_for_all(self) -> bool:
        """Whether any website may call."""
        return "*" in self.origins

    def is_left_to_app(self, kind: str) -> bool:
        """Whether preflights go through to the app, because the gateway does not answer them itself."""
        return kind == "rest" or self.for_http_api() is None

    def for_http_api(self) -> Document | None:
        """``x-amazon-apigateway-cors``, with which an HTTP API answers preflights by itself.

        None where it cannot say it: a regular expression, or with credentials any website or any header,
        since a star is then no more than a star to a browser. Nor a star within an origin, which a gateway
        takes for any text, and the app for itself.
        """
        if self.origin_regex is not None or any("*" in each for each in self.origins if each != "*"):
            return None
        if self.credentials and (self.is_for_all or "*" in self.headers):
            return None
        # A browser's star does not mean Authorization, in no case.
        any_header = ["Authorization", "*"]
        headers = any_header if "*" in self.headers else sorted({*SAFELISTED_HEADERS, *self.headers})
        said = {
            "allowOrigins": list(self.origins),
            "allowMethods": sorted(each for each in METHODS if each in self.methods or "*" in self.methods),
            "allowHeaders": headers,
            "allowCredentials": self.credentials,
            "maxAge": self.max_age,
        }
        return said | ({"exposeHeaders": list(self.exposed)} if self.exposed else {})

    def response_parameters(self) -> dict[str, str]:
        """The headers of a REST API's own refusals. They hold nothing that a website might not read."""
        if self.is_for_all and not self.credentials:
            return {_HEADER + "Access-Control-Allow-Origin": "'*'"}
        if len(self.origins) == 1 and self.origin_regex is None and not self.is_for_all:
            origin = f"'{self.origins[0]}'"
        else:
            origin = "method.request.header.Origin"  # of several, a fixed text could name only one
        said = {"Access-Control-Allow-Origin": origin, "Vary": "'Origin'"}
        if self.credentials:
            said["Access-Control-Allow-Credentials"] = "'true'"
        return {_HEADER + name: value for name, value in said.items()}


def read_cors(app: "FastAPI") -> Cors | None:
    """What the app's CORSMiddleware allows; None where it has none."""
    for entry in app.user_middleware:
        kind: object = entry.cls
        if kind is CORSMiddleware:
            bound = signature(CORSMiddleware).bind(app, *entry.args, **entry.kwargs)
            bound.apply_defaults()
            given = bound.arguments
            return Cors(
                origins=given["allow_origins"],
                origin_regex=given["allow_origin_regex"],
                methods=given["allow_methods"],
                headers=given["allow_headers"],
                credentials=given["allow_credentials"],
                exposed=given["expose_headers"],
                max_age=given["max_age"],
            )
    return None


def gateway_responses(cors: Cors | None) -> Document:
    """``x-amazon-apigateway-gateway-responses``: a REST API's own refusals, completed.

    A 401 gets the challenge that RFC 9110 section 11.6.1 wants, and all get the headers of CORS.
    """
    headers = {} if cors is None else cors.response_parameters()
    challenge = {_HEADER + "WWW-Authenticate": "'Bearer'"}
    responses: Document = {
        "UNAUTHORIZED": {"statusCode": "401", "responseParameters": {**headers, **challenge}}
    }
    if headers:
        # Each kind of its own, as one that is customised takes nothing from the defaults any more.
        responses["DEFAULT_4XX"] = {"responseParameters": dict(headers)}
        responses["DEFAULT_5XX"] = {"responseParameters": dict(headers)}
    return responses
