"""CORS settings of the app for the gateway, so that browsers can read its refusals."""

import re
from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, NamedTuple

from starlette.middleware.cors import SAFELISTED_HEADERS, CORSMiddleware

from fastapi_cognito_guard.deploy.definition.options import ApiKind
from fastapi_cognito_guard.deploy.definition.security import OpenApiDocument
from fastapi_cognito_guard.deploy.operations import METHODS

if TYPE_CHECKING:
    from fastapi import FastAPI

_HEADER = "gatewayresponse.header."
_MIN_AGE, _MAX_AGE = -1, 86_400  # seconds, in the model of HTTP APIs
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._:\[\]-]+")  # "a scheme and domain only"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2


class Cors(NamedTuple):
    """Settings of the app's CORSMiddleware."""

    origins: Sequence[str]
    origin_regex: str | None
    methods: Sequence[str]
    headers: Sequence[str]
    credentials: bool
    exposed: Sequence[str]
    max_age: int

    @property
    def is_for_any_origin(self) -> bool:
        """True if every website may call."""
        return "*" in self.origins

    @property
    def gateway_max_age(self) -> int:
        """Seconds that an HTTP API takes: the app's, or the nearest."""
        return int(max(_MIN_AGE, min(self.max_age, _MAX_AGE)))

    def is_left_to_app(self, kind: ApiKind) -> bool:
        """Return True if the app answers preflights, because the gateway cannot."""
        return kind == "rest" or self.build_http_api_cors() is None

    def build_http_api_cors(self) -> OpenApiDocument | None:
        """Return ``x-amazon-apigateway-cors``, with which an HTTP API answers preflights itself.

        None if an HTTP API cannot express the settings: a regular expression; credentials together with any
        origin or any header, because a browser then takes ``*`` literally; an origin with a ``*`` in it,
        which the gateway takes for any text, and the app literally; an origin that is more than scheme and
        host, or a header that is no name, with which the import would fail.
        """
        if self.origin_regex is not None or not all(map(_is_origin, self.origins)):
            return None
        if not all(map(_TOKEN.fullmatch, [*self.headers, *self.exposed])):
            return None
        if self.credentials and (self.is_for_any_origin or "*" in self.headers):
            return None
        # For browsers "*" never includes Authorization.
        any_header = ["Authorization", "*"]
        headers = any_header if "*" in self.headers else sorted({*SAFELISTED_HEADERS, *self.headers})
        cors = {
            "allowOrigins": list(self.origins),
            "allowMethods": sorted(each for each in METHODS if each in self.methods or "*" in self.methods),
            "allowHeaders": headers,
            "allowCredentials": self.credentials,
            "maxAge": self.gateway_max_age,
        }
        return cors | ({"exposeHeaders": list(self.exposed)} if self.exposed else {})

    def build_response_parameters(self) -> dict[str, str]:
        """Return the CORS headers of a REST API's own refusals.

        With several origins these repeat the request's ``Origin``, allowed or not: a refusal of the gateway
        contains nothing private.
        """
        if self.is_for_any_origin and not self.credentials:
            return {_HEADER + "Access-Control-Allow-Origin": "'*'"}
        if len(self.origins) == 1 and self.origin_regex is None and _ORIGIN.fullmatch(self.origins[0]):
            origin = f"'{self.origins[0]}'"
        else:
            origin = "method.request.header.Origin"
        headers = {"Access-Control-Allow-Origin": origin, "Vary": "'Origin'"}
        if self.credentials:
            headers["Access-Control-Allow-Credentials"] = "'true'"
        return {_HEADER + name: value for name, value in headers.items()}


def _is_origin(text: str) -> bool:
    return text == "*" or _ORIGIN.fullmatch(text) is not None


def read_cors(app: "FastAPI") -> Cors | None:
    """Return the settings of the app's CORSMiddleware; None if it has none."""
    for entry in app.user_middleware:
        middleware: object = entry.cls
        if middleware is CORSMiddleware:
            bound = signature(CORSMiddleware).bind(app, *entry.args, **entry.kwargs)
            bound.apply_defaults()
            settings = bound.arguments
            return Cors(
                origins=settings["allow_origins"],
                origin_regex=settings["allow_origin_regex"],
                methods=settings["allow_methods"],
                headers=settings["allow_headers"],
                credentials=settings["allow_credentials"],
                exposed=settings["expose_headers"],
                max_age=settings["max_age"],
            )
    return None


def build_gateway_responses(cors: Cors | None) -> OpenApiDocument:
    """Return ``x-amazon-apigateway-gateway-responses``: headers for a REST API's own refusals.

    A 401 gets the challenge that RFC 9110 section 11.6.1 requires, and all refusals get the CORS headers.
    """
    headers = {} if cors is None else cors.build_response_parameters()
    challenge = {_HEADER + "WWW-Authenticate": "'Bearer'"}
    responses: OpenApiDocument = {
        "UNAUTHORIZED": {"statusCode": "401", "responseParameters": {**headers, **challenge}}
    }
    if headers:
        # UNAUTHORIZED above has the headers, too: a customised response takes nothing from the defaults.
        responses["DEFAULT_4XX"] = {"responseParameters": dict(headers)}
        responses["DEFAULT_5XX"] = {"responseParameters": dict(headers)}
    return responses
