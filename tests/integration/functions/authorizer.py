"""A developer's own Lambda authorizer: verifies the token, and hands its claims on as a flat context."""

import asyncio
from typing import Any

from fastapi_cognito_guard import CognitoGuard, Principal
from fastapi_cognito_guard.errors import AuthError

from .context import to_context  # relative: in the bundle, `functions` is at the root

guard = CognitoGuard.from_env()
loop = asyncio.new_event_loop()


def rest(event: dict[str, Any], context: object) -> dict[str, Any]:
    """TOKEN and REQUEST authorizers of a REST API: a policy for all its methods, as it may be cached."""
    try:
        user = _verified(event.get("authorizationToken") or _header(event))
    except AuthError:
        raise Exception("Unauthorized") from None  # the one text that makes it 401
    arn, stage = event["methodArn"].split("/")[:2]
    allow = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{arn}/{stage}/*"}
    return {
        "principalId": user.sub,
        "policyDocument": {"Version": "2012-10-17", "Statement": [allow]},
        "context": to_context(user.claims),
    }


def http_simple(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A REQUEST authorizer of an HTTP API, with simple responses."""
    try:
        return {"isAuthorized": True, "context": to_context(_verified(_header(event)).claims)}
    except AuthError:
        return {"isAuthorized": False}


def _verified(header: str) -> Principal:
    token = header.removeprefix("Bearer ")
    return loop.run_until_complete(guard.verify(token))


def _header(event: dict[str, Any]) -> str:
    return next((value for name, value in event["headers"].items() if name.lower() == "authorization"), "")
