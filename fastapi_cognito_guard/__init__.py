"""Amazon Cognito for FastAPI: the same guard standalone and behind API Gateway."""

from fastapi_cognito_guard import errors
from fastapi_cognito_guard.dependencies import (
    CurrentUser,
    OptionalUser,
    current_user,
    optional_user,
    require_claim,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.deploy.handler import lambda_handler
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.pool import ANY_CLIENT, KeyPolicy, UserPool
from fastapi_cognito_guard.principal import Principal

__all__ = [
    "ANY_CLIENT",
    "CognitoGuard",
    "CurrentUser",
    "KeyPolicy",
    "OptionalUser",
    "Principal",
    "UserPool",
    "current_user",
    "errors",
    "lambda_handler",
    "optional_user",
    "require_claim",
    "require_group",
    "require_scope",
]
