"""Custom Lambda authorizers, which verify the token and return its claims as a flat context."""

import asyncio
from typing import Any

from fastapi_cognito_guard import CognitoGuard, Principal
from fastapi_cognito_guard.errors import AuthError

from .context import to_context  # relative: in the bundle, `functions` is at the root

guard = CognitoGuard.from_env()
loop = asyncio.new_event_loop()


def rest(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Authorize as TOKEN or REQUEST of a REST API. The policy covers all methods: it may be cached."""
    try:
        user = _verify(event.get("authorizationToken") or _find_header(event))
    except AuthError:
        raise Exception("Unauthorized") from None  # API Gateway answers 401 for exactly this text
    arn, stage = event["methodArn"].split("/")[:2]
    allow = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{arn}/{stage}/*"}
    return {
        "principalId": user.sub,
        "policyDocument": {"Version": "2012-10-17", "Statement": [allow]},
        "context": to_context(user.claims),
    }


def http_simple(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Authorize as REQUEST of an HTTP API, with simple responses."""
    try:
        return {"isAuthorized": True, "context": to_context(_verify(_find_header(event)).claims)}
    except AuthError:
        return {"isAuthorized": False}


def _verify(header: str) -> Principal:
    token = header.removeprefix("Bearer ")
    return loop.run_until_complete(guard.verify(token))


def _find_header(event: dict[str, Any]) -> str:
    return next((value for name, value in event["headers"].items() if name.lower() == "authorization"), "")
