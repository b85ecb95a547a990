"""What each kind of authorizer leaves in an event's request context, spelled as that kind spells."""

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
"""``requestContext.identity`` of a REST API: there for everybody, and empty but for IAM callers."""


class Passed(NamedTuple):
    """What an authorizer has let pass.

    ``scopes`` are the route's, None where it has none; ``context`` is a Lambda authorizer's own.
    """

    claims: Mapping[str, Any] | None
    scopes: Collection[str] | None
    context: Mapping[str, Any] | None


Authorizer = Callable[[Passed], dict[str, dict[str, Any]]]
"""Gives the members of the request context that it adds."""


def rest(passed: Passed) -> dict[str, Any]:
    """REST COGNITO_USER_POOLS: all text, Java dates, commas in lists."""
    claims = passed.claims or {}
    texts = {
        name: java_date(value) if name in _DATES else _as_text(value, ",".join)
        for name, value in claims.items()
    }
    return {"authorizer": {"claims": texts}}


def rest_jwt(passed: Passed) -> dict[str, Any]:
    """REST JWT: the token's own types."""
    return {"authorizer": {"claims": dict(passed.claims or {})}}


def http(passed: Passed) -> dict[str, Any]:
    """HTTP API JWT, payload 2.0."""
    return {"authorizer": {"jwt": _jwt(passed)}}


def http_1(passed: Passed) -> dict[str, Any]:
    """HTTP API JWT, payload 1.0: the same, without the level ``jwt``."""
    return {"authorizer": _jwt(passed)}


def lambda_flat(passed: Passed) -> dict[str, Any]:
    """A Lambda authorizer of a REST or WebSocket API, TOKEN or REQUEST: its context, flat."""
    principal = (passed.claims or {}).get("sub", "user")
    return {"authorizer": {"principalId": principal, "integrationLatency": 12, **_context(passed)}}


def lambda_2(passed: Passed) -> dict[str, Any]:
    """A Lambda authorizer of an HTTP API, payload 2.0."""
    return {"authorizer": {"lambda": _context(passed)}}


def iam(passed: Passed) -> dict[str, Any]:
    """REST AWS_IAM. With claims: by the credentials that an identity pool gave to that user."""
    signed = {"accessKey": "ASIAEXAMPLE", "accountId": ACCOUNT}
    signed |= {"caller": _CALLER, "user": _CALLER, "userArn": _ARN}
    if passed.claims is not None:
        signed |= {
            "cognitoAuthenticationProvider": ",".join(_providers(passed.claims)),
            "cognitoAuthenticationType": "authenticated",
            "cognitoIdentityId": _IDENTITY,
            "cognitoIdentityPoolId": _IDENTITY_POOL,
        }
    return {"identity": signed}


def iam_2(passed: Passed) -> dict[str, Any]:
    """HTTP API or function URL, AWS_IAM. With claims: as with `iam`."""
    cognito = passed.claims and {
        "amr": ["authenticated", *_providers(passed.claims)],
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


def nobody(passed: Passed) -> dict[str, Any]:
    """A front door without authorizers."""
    return {}


def java_date(seconds: float) -> str:
    """``java.util.Date.toString()`` in UTC: how REST APIs spell ``exp`` and ``iat``."""
    moment = time.gmtime(seconds)
    weekday, month = _WEEKDAYS[moment.tm_wday], _MONTHS[moment.tm_mon - 1]
    clock = f"{moment.tm_hour:02}:{moment.tm_min:02}:{moment.tm_sec:02}"
    return f"{weekday} {month} {moment.tm_mday:02} {clock} UTC {moment.tm_year:04}"


def _jwt(passed: Passed) -> dict[str, Any]:
    claims = passed.claims or {}
    texts = {
        name: _as_text(value, lambda items: f"[{' '.join(items)}]")
        for name, value in claims.items()
        if value is not None
    }
    # Not the route's scopes but the token's, and only on a route that has some.
    own = str(claims.get("scope", "")).split()
    return {"claims": texts, "scopes": None if passed.scopes is None else own}


def _context(passed: Passed) -> Mapping[str, Any]:
    if passed.context is not None:
        return passed.context
    return {"claims": json.dumps(dict(passed.claims or {}))}


def _providers(claims: Mapping[str, Any]) -> list[str]:
    """The user pool, and who signed in there, in the words of an identity pool."""
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
