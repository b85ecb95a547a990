"""Events that MiniStack delivers, stored with fictional ids and times."""

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fastapi_cognito_guard.testing.gateway.contexts import java_date
from tests.integration.ministack import EmulatedPool

DIRECTORY = Path(__file__).parent.parent / "events" / "ministack"
POOL, WEB, MACHINE = "eu-west-1_Ab12Cd34E", "1h57kf5cpq17m0eml12example", "7m0eml121h57kf5cpq1example"
SUB = "58e11340-10d1-701e-4cdc-41e9b4883600"
ISSUED, EXPIRES = 1782992389, 1782995989

_FICTION: Mapping[str, str | int] = {
    "jti": "fd4e3e69-a231-49ba-8aa5-a57550860000",
    "origin_jti": "c7113241-24e8-4fee-a7b1-aaf2eb910000",
    "iat": ISSUED,
    "auth_time": ISSUED,
    "exp": EXPIRES,
    "requestId": "92ba0ad0-5358-4ace-b64f-015c46000000",
    "extendedRequestId": "92ba0ad0-5358-4ace-b64f-015c46000000",
    "time": "02/Jul/2026:11:43:55 +0000",
    "requestTime": "02/Jul/2026:11:43:55 +0000",
    "timeEpoch": 1782992635624,
    "requestTimeEpoch": 1782992635624,
    "apiId": "a1b2c3d4",
    "domainPrefix": "a1b2c3d4",
    "resourceId": "eazplx",
    "host": "a1b2c3d4.execute-api.eu-west-1.amazonaws.com",
    "user-agent": "test",
    "userAgent": "test",
    "identityId": "eu-west-1:00000000-0000-0000-0000-000000000002",
    "cognitoIdentityId": "eu-west-1:00000000-0000-0000-0000-000000000002",
    "identityPoolId": "eu-west-1:00000000-0000-0000-0000-000000000001",
    "cognitoIdentityPoolId": "eu-west-1:00000000-0000-0000-0000-000000000001",
}
_HEADERS = ("authorization", "host", "user-agent")
_SIGNED = (
    "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260702/eu-west-1/execute-api/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=00"
)
_PATTERNS = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), SUB),
    (re.compile(r"\b(A[A-Z]{3})[A-Z0-9]{12,}"), r"\1EXAMPLE"),
    (re.compile(r"\b[0-9a-z-]{8,36}(\.(execute-api|lambda-url)\.)"), r"a1b2c3d4\1"),
)


class Capture(NamedTuple):
    """Call that produces an event: the kind of gateway, its echoing route, and the caller."""

    kind: str
    path: str
    caller: str


CAPTURES = {
    "function-url": Capture("function-url-echo", "/event", "ada"),
    "http-iam-identity-pool": Capture("http-iam", "/event", "identity pool"),
    "http-iam-user": Capture("http-iam", "/event", "IAM user"),
    "http-jwt-access": Capture("http-jwt", "/event", "ada"),
    "http-jwt-id": Capture("http-jwt", "/event", "ada's ID"),
    "http-jwt-machine-scoped": Capture("http-jwt", "/event-scoped", "reader"),
    "http-jwt-payload-1-asked": Capture("http-jwt", "/event-payload-1", "ada"),
    "http-lambda": Capture("http-lambda", "/event", "ada"),
    "http-open": Capture("http-jwt", "/event-open", "ada"),
    "rest-cognito-access": Capture("rest-cognito", "/event", "ada"),
    "rest-cognito-id": Capture("rest-cognito", "/event", "ada's ID"),
    "rest-cognito-machine-scoped": Capture("rest-cognito", "/event-scoped", "reader"),
    "rest-iam-identity-pool": Capture("rest-iam", "/event", "identity pool"),
    "rest-iam-user": Capture("rest-iam", "/event", "IAM user"),
    "rest-open": Capture("rest-cognito", "/event-open", "ada"),
    "rest-request": Capture("rest-request", "/event", "ada"),
    "rest-token": Capture("rest-token", "/event", "ada"),
}


def load_event(name: str) -> dict[str, Any]:
    """Load an event from tests/events/ministack."""
    event: dict[str, Any] = json.loads((DIRECTORY / f"{name}.json").read_text())
    return event


def save_event(name: str, event: Mapping[str, Any]) -> None:
    """Write an event to tests/events/ministack."""
    DIRECTORY.mkdir(exist_ok=True)
    (DIRECTORY / f"{name}.json").write_text(json.dumps(event, indent=1) + "\n")


def replace_with_fiction(event: Mapping[str, Any], pool: EmulatedPool) -> Any:
    """Replace real ids, times and tokens with fixed, fictional ones."""
    text = json.dumps(event)
    for real, fiction in ((pool.id, POOL), (pool.web, WEB), (pool.machine, MACHINE)):
        text = text.replace(real, fiction)
    return _replace_values(json.loads(text), "")


def _replace_values(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        items = value.items()
        if key in ("headers", "multiValueHeaders"):
            items = {name: inner for name, inner in items if name.lower() in _HEADERS}.items()
        return {name: _replace_values(inner, name) for name, inner in sorted(items)}
    if isinstance(value, list):
        return [_replace_values(inner, key) for inner in value]
    if key.lower() == "authorization":
        return _SIGNED if value.startswith("AWS4-") else "Bearer <token>"
    if key in _FICTION and value is not None:
        return type(value)(_FICTION[key])
    return _replace_ids(value) if isinstance(value, str) else value


def _replace_ids(text: str) -> str:
    for pattern, fiction in _PATTERNS:
        text = pattern.sub(fiction, text)
    return text


def rewrite_as_aws(event: Mapping[str, Any]) -> dict[str, Any]:
    """Rewrite a REST API event of MiniStack in the format of AWS, as captured there."""
    rewritten: dict[str, Any] = copy.deepcopy({**event})
    del rewritten["version"]
    claims = rewritten["requestContext"].get("authorizer", {}).get("claims", {})
    claims.update({name: _rewrite_claim(name, value) for name, value in claims.items()})
    for headers in rewritten["headers"], rewritten["multiValueHeaders"]:
        if "AWS4-" in str(headers["authorization"]):
            del headers["authorization"]
    return rewritten


def _rewrite_claim(name: str, value: str) -> str:
    if name in ("exp", "iat"):
        return java_date(int(value))
    return value[1:-1].replace(" ", ",") if name == "cognito:groups" else value
