"""Members that each kind of authorizer adds to an event's request context, in its own format."""

import json
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from fastapi_cognito_guard.deploy.authorizer.handler import CLAIMS_KEY

_WEEKDAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_DATES = {"exp", "iat", "nbf"}

ACCOUNT = "123456789012"
_IDENTITY_POOL = "eu-west-1:00000000-0000-0000-0000-000000000001"
_IDENTITY = "eu-west-1:00000000-0000-0000-0000-000000000002"
_CALLER = "AROAEXAMPLE:session"
_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/Caller/session"
IDENTITY: Mapping[str, Any] = dict.fromkeys(
    "accessKey accountId caller cognitoAuthenticationProvider cognitoAuthenticationType cognitoIdentityId "
    "cognitoIdentityPoolId principalOrgId user userArn".split()
)
"""``requestContext.identity`` of a REST API. Its members are null unless the caller uses IAM."""


class AuthorizedRequest(NamedTuple):
    """Request that an authorizer has accepted.

    ``claims``   of the token, or None for an IAM caller without an identity pool
    ``scopes``   of the route, or None if it has none
    ``context``  a Lambda authorizer's own context, or None for the default
    """

    claims: Mapping[str, Any] | None
    scopes: Collection[str] | None
    context: Mapping[str, Any] | None


ContextBuilder = Callable[[AuthorizedRequest], dict[str, dict[str, Any]]]
"""Returns the members that an authorizer adds to the request context."""


def rest(request: AuthorizedRequest) -> dict[str, Any]:
    """Build the context of REST COGNITO_USER_POOLS: text, Java dates, lists with commas."""
    claims = request.claims or {}
    texts = {
        name: java_date(value) if name in _DATES else _format_text(value, ",".join)
        for name, value in claims.items()
    }
    return {"authorizer": {"claims": texts}}


def rest_jwt(request: AuthorizedRequest) -> dict[str, Any]:
    """Build the context of REST JWT: the token's own types."""
    return {"authorizer": {"claims": dict(request.claims or {})}}


def http(request: AuthorizedRequest) -> dict[str, Any]:
    """Build the context of HTTP API JWT, payload 2.0."""
    return {"authorizer": {"jwt": _build_jwt_section(request)}}


def http_1(request: AuthorizedRequest) -> dict[str, Any]:
    """Build the context of HTTP API JWT, payload 1.0: the same, without the level ``jwt``."""
    return {"authorizer": _build_jwt_section(request)}


def lambda_flat(request: AuthorizedRequest) -> dict[str, Any]:
    """Build the flat context of a Lambda authorizer of a REST or WebSocket API."""
    principal = (request.claims or {}).get("sub", "user")
    return {
        "authorizer": {"principalId": principal, "integrationLatency": 12, **_build_lambda_context(request)}
    }


def lambda_2(request: AuthorizedRequest) -> dict[str, Any]:
    """Build the context of a Lambda authorizer of an HTTP API, payload 2.0."""
    return {"authorizer": {"lambda": _build_lambda_context(request)}}


def iam(request: AuthorizedRequest) -> dict[str, Any]:
    """Build the identity of REST AWS_IAM. With claims: credentials of an identity pool for that user."""
    signed = {"accessKey": "ASIAEXAMPLE", "accountId": ACCOUNT}
    signed |= {"caller": _CALLER, "user": _CALLER, "userArn": _ARN}
    if request.claims is not None:
        signed |= {
            "cognitoAuthenticationProvider": ",".join(_list_providers(request.claims)),
            "cognitoAuthenticationType": "authenticated",
            "cognitoIdentityId": _IDENTITY,
            "cognitoIdentityPoolId": _IDENTITY_POOL,
        }
    return {"identity": signed}


def iam_2(request: AuthorizedRequest) -> dict[str, Any]:
    """Build the context of HTTP API or function URL AWS_IAM. With claims: as in `iam`."""
    cognito = request.claims and {
        "amr": ["authenticated", *_list_providers(request.claims)],
        "identityId": _IDENTITY,
        "identityPoolId": _IDENTITY_POOL,
    }
    section = {
        "accessKey": "ASIAEXAMPLE",
        "accountId": ACCOUNT,
        "callerId": _CALLER,
        "cognitoIdentity": cognito,
        "principalOrgId": None,
        "userArn": _ARN,
        "userId": _CALLER,
    }
    return {"authorizer": {"iam": section}}


def none(request: AuthorizedRequest) -> dict[str, Any]:
    """Build nothing: the front door has no authorizer."""
    return {}


def java_date(seconds: float) -> str:
    """Format seconds as ``java.util.Date.toString()`` in UTC, as REST APIs do with ``exp`` and ``iat``."""
    moment = time.gmtime(seconds)
    weekday, month = _WEEKDAYS[moment.tm_wday], _MONTHS[moment.tm_mon - 1]
    clock = f"{moment.tm_hour:02}:{moment.tm_min:02}:{moment.tm_sec:02}"
    return f"{weekday} {month} {moment.tm_mday:02} {clock} UTC {moment.tm_year:04}"


def _build_jwt_section(request: AuthorizedRequest) -> dict[str, Any]:
    claims = request.claims or {}
    texts = {
        name: _format_text(value, lambda items: f"[{' '.join(items)}]")
        for name, value in claims.items()
        if value is not None
    }
    # The token's scopes, but only on a route that has scopes.
    own = str(claims.get("scope", "")).split()
    return {"claims": texts, "scopes": None if request.scopes is None else own}


def _build_lambda_context(request: AuthorizedRequest) -> Mapping[str, Any]:
    if request.context is not None:
        return request.context
    return {CLAIMS_KEY: json.dumps(dict(request.claims or {}), separators=(",", ":"))}


def _list_providers(claims: Mapping[str, Any]) -> list[str]:
    """List the pool and the user as identity pools write them."""
    pool = str(claims["iss"]).removeprefix("https://").replace("issuer-cognito-idp.", "cognito-idp.")
    return [pool, f"{pool}:CognitoSignIn:{claims['sub']}"]


def _format_text(value: object, join: Callable[[list[str]], str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return join([str(item) for item in value])
    if isinstance(value, dict):  # no capture shows how gateways write objects
        return json.dumps(value)
    return str(value)
