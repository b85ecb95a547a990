"""Events as each flavour of API Gateway sends them to a function, spelled as that flavour spells."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi_cognito_guard.errors import ConfigurationError

Flavour = Literal["rest", "rest-jwt", "http", "http-1.0"]
"""REST COGNITO_USER_POOLS, REST JWT, HTTP API JWT with payload 2.0, and with payload 1.0."""

_WEEKDAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def gateway_event(
    flavour: Flavour,
    *,
    claims: Mapping[str, Any] | None = None,
    token: str | None = None,
    method: str = "GET",
    path: str = "/",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    scopes: Collection[str] | None = None,
    stage: str | None = None,
) -> dict[str, Any]:
    """An event that a function gets.

    ``claims``  of the token that the authorizer has let pass, with a token's own types; None for a
                route without an authorizer
    ``token``   is put into ``Authorization``
    ``scopes``  the route's authorization scopes; None for a route that has none
    ``stage``   by default ``prod`` for REST and ``$default`` for HTTP APIs
    """
    if flavour not in _AUTHORIZERS:
        raise ConfigurationError(f"A flavour is one of {', '.join(_AUTHORIZERS)}.", setting="flavour")
    authorizer = None
    if claims is not None:
        authorizer = _AUTHORIZERS[flavour](claims, scopes)
    given = {"host": "a1b2c3.execute-api.eu-west-1.amazonaws.com", **(headers or {})}
    if token is not None:
        given["authorization"] = f"Bearer {token}"
    build = _payload_2 if flavour == "http" else _payload_1
    event = build(method, path, dict(query or {}), given, body, stage)
    if authorizer is not None:
        event["requestContext"]["authorizer"] = authorizer
    if flavour == "http-1.0":
        event["version"] = "1.0"
    return event


def _payload_1(
    method: str,
    path: str,
    query: dict[str, str],
    headers: dict[str, str],
    body: str | None,
    stage: str | None,
) -> dict[str, Any]:
    stage = stage or "prod"
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": f"/{stage}{path}",
            "stage": stage,
            "accountId": "123456789012",
            "apiId": "a1b2c3",
            "domainName": headers["host"],
            "identity": {"sourceIp": "203.0.113.10", "userAgent": "test", "userArn": None},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def _payload_2(
    method: str,
    path: str,
    query: dict[str, str],
    headers: dict[str, str],
    body: str | None,
    stage: str | None,
) -> dict[str, Any]:
    stage = stage or "$default"
    full = path if stage == "$default" else f"/{stage}{path}"
    return {
        "version": "2.0",
        "routeKey": f"{method} /{{proxy+}}",
        "rawPath": full,
        "rawQueryString": urlencode(query),
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3",
            "domainName": headers["host"],
            "http": {
                "method": method,
                "path": full,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.10",
                "userAgent": "test",
            },
            "routeKey": f"{method} /{{proxy+}}",
            "stage": stage,
        },
        "body": body,
        "isBase64Encoded": False,
    }


def _rest(claims: Mapping[str, Any], scopes: object) -> dict[str, Any]:
    dates = {"exp", "iat", "nbf"}
    return {
        "claims": {
            name: java_date(value) if name in dates else _as_text(value, ",".join)
            for name, value in claims.items()
        }
    }


def _rest_jwt(claims: Mapping[str, Any], scopes: object) -> dict[str, Any]:
    return {"claims": dict(claims)}


def _http(claims: Mapping[str, Any], scopes: Collection[str] | None) -> dict[str, Any]:
    texts = {
        name: _as_text(value, lambda items: f"[{' '.join(items)}]")
        for name, value in claims.items()
        if value is not None
    }
    # Not the route's scopes but the token's, and only on a route that has some.
    own = str(claims.get("scope", "")).split()
    return {"claims": texts, "scopes": None if scopes is None else own}


_AUTHORIZERS: Mapping[str, Callable[[Mapping[str, Any], Collection[str] | None], dict[str, Any]]] = {
    "rest": _rest,
    "rest-jwt": _rest_jwt,
    "http": lambda claims, scopes: {"jwt": _http(claims, scopes)},
    "http-1.0": _http,
}


def java_date(seconds: float) -> str:
    """``java.util.Date.toString()`` in UTC: how REST APIs spell ``exp`` and ``iat``."""
    moment = time.gmtime(seconds)
    weekday, month = _WEEKDAYS[moment.tm_wday], _MONTHS[moment.tm_mon - 1]
    clock = f"{moment.tm_hour:02}:{moment.tm_min:02}:{moment.tm_sec:02}"
    return f"{weekday} {month} {moment.tm_mday:02} {clock} UTC {moment.tm_year:04}"


def _as_text(value: object, join: Callable[[list[str]], str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return join([str(item) for item in value])
    return str(value)
