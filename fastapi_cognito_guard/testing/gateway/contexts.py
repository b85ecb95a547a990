"""Request contexts of each kind of authorizer, in its own format."""

import json
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

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
"""``requestContext.identity`` of a REST API, which only IAM callers fill."""


class AcceptedRequest(NamedTuple):
    """A request that an authorizer has accepted.

    ``scopes``: the route's, or None. ``context``: a Lambda authorizer's own.
    """

    claims: Mapping[str, Any] | None
    scopes: Collection[str] | None
    context: Mapping[str, Any] | None


ContextBuilder = Callable[[AcceptedRequest], dict[str, dict[str, Any]]]
"""Returns the members that an authorizer adds to the request context."""


def rest(accepted: AcceptedRequest) -> dict[str, Any]:
    """Build the context of REST COGNITO_USER_POOLS: text, Java dates, lists with commas."""
    claims = accepted.claims or {}
    texts = {
        name: java_date(value) if name in _DATES else _as_text(value, ",".join)
        for name, value in claims.items()
    }
    return {"authorizer": {"claims": texts}}


def rest_jwt(accepted: AcceptedRequest) -> dict[str, Any]:
    """Build the context of REST JWT: the token's own types."""
    return {"authorizer": {"claims": dict(accepted.claims or {})}}


def http(accepted: AcceptedRequest) -> dict[str, Any]:
    """Build the context of HTTP API JWT, payload 2.0."""
    return {"authorizer": {"jwt": _jwt(accepted)}}


def http_1(accepted: AcceptedRequest) -> dict[str, Any]:
    """Build the context of HTTP API JWT, payload 1.0: the same, without the level ``jwt``."""
    return {"authorizer": _jwt(accepted)}


def lambda_flat(accepted: AcceptedRequest) -> dict[str, Any]:
    """Build the flat context of a Lambda authorizer of a REST or WebSocket API."""
    principal = (accepted.claims or {}).get("sub", "user")
    return {"authorizer": {"principalId": principal, "integrationLatency": 12, **_context(accepted)}}


def lambda_2(accepted: AcceptedRequest) -> dict[str, Any]:
    """Build the context of a Lambda authorizer of an HTTP API, payload 2.0."""
    return {"authorizer": {"lambda": _context(accepted)}}


def iam(accepted: AcceptedRequest) -> dict[str, Any]:
    """Build the identity of REST AWS_IAM. With claims: credentials of an identity pool for that user."""
    signed = {"accessKey": "ASIAEXAMPLE", "accountId": ACCOUNT}
    signed |= {"caller": _CALLER, "user": _CALLER, "userArn": _ARN}
    if accepted.claims is not None:
        signed |= {
            "cognitoAuthenticationProvider": ",".join(_providers(accepted.claims)),
            "cognitoAuthenticationType": "authenticated",
            "cognitoIdentityId": _IDENTITY,
            "cognitoIdentityPoolId": _IDENTITY_POOL,
        }
    return {"identity": signed}


def iam_2(accepted: AcceptedRequest) -> dict[str, Any]:
    """Build the context of HTTP API or function URL AWS_IAM. With claims: as in `iam`."""
    cognito = accepted.claims and {
        "amr": ["authenticated", *_providers(accepted.claims)],
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


def nobody(accepted: AcceptedRequest) -> dict[str, Any]:
    """Build nothing: the front door has no authorizer."""
    return {}


def java_date(seconds: float) -> str:
    """Return ``java.util.Date.toString()`` in UTC: REST APIs write ``exp`` and ``iat`` so."""
    moment = time.gmtime(seconds)
    weekday, month = _WEEKDAYS[moment.tm_wday], _MONTHS[moment.tm_mon - 1]
    clock = f"{moment.tm_hour:02}:{moment.tm_min:02}:{moment.tm_sec:02}"
    return f"{weekday} {month} {moment.tm_mday:02} {clock} UTC {moment.tm_year:04}"


def _jwt(accepted: AcceptedRequest) -> dict[str, Any]:
    claims = accepted.claims or {}
    texts = {
        name: _as_text(value, lambda items: f"[{' '.join(items)}]")
        for name, value in claims.items()
        if value is not None
    }
    # The token's scopes, but only on a route that has scopes.
    own = str(claims.get("scope", "")).split()
    return {"claims": texts, "scopes": None if accepted.scopes is None else own}


def _context(accepted: AcceptedRequest) -> Mapping[str, Any]:
    if accepted.context is not None:
        return accepted.context
    return {"claims": json.dumps(dict(accepted.claims or {}))}


def _providers(claims: Mapping[str, Any]) -> list[str]:
    """Return the user pool and its user, in the form of an identity pool."""
    pool = str(claims["iss"]).removeprefix("https://").replace("issuer-cognito-idp.", "cognito-idp.")
    return [pool, f"{pool}:CognitoSignIn:{claims['sub']}"]


def _as_text(value: object, join: Callable[[list[str]], str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return join([str(item) for item in value])
    if isinstance(value, dict):  # no capture shows how gateways write objects
        return json.dumps(value)
    return str(value)
