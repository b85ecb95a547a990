"""Amazon Cognito for FastAPI: the same guard standalone and behind API Gateway."""

from fastapi_cognito_guard import errors
from fastapi_cognito_guard.actor import Actor
from fastapi_cognito_guard.decisions import Decision
from fastapi_cognito_guard.dependencies import (
    CurrentUser,
    IamCaller,
    OptionalUser,
    current_user,
    iam_identity,
    optional_user,
    require,
    require_actor,
    require_claim,
    require_direct,
    require_group,
    require_level,
    require_pool,
    require_scope,
)
from fastapi_cognito_guard.deploy.lambda_function import lambda_handler
from fastapi_cognito_guard.gateway.iam import IamIdentity
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.pool import ANY_BOUND_CLIENT, ANY_CLIENT, KeyPolicy, UserPool
from fastapi_cognito_guard.principal import Principal

__all__ = [
    "ANY_BOUND_CLIENT",
    "ANY_CLIENT",
    "Actor",
    "CognitoGuard",
    "CurrentUser",
    "Decision",
    "IamCaller",
    "IamIdentity",
    "KeyPolicy",
    "OptionalUser",
    "Principal",
    "UserPool",
    "current_user",
    "errors",
    "iam_identity",
    "lambda_handler",
    "optional_user",
    "require",
    "require_actor",
    "require_claim",
    "require_direct",
    "require_group",
    "require_level",
    "require_pool",
    "require_scope",
]
