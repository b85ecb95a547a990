"""Deployment to AWS: the Lambda function, a Lambda authorizer, and the definition of the API.

Most names load their module on first use, so that a function loads only what it runs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Imported now: loaded later, the module of the same name would replace the function.
from fastapi_cognito_guard.deploy.export import export

if TYPE_CHECKING:
    from fastapi_cognito_guard.deploy.authorizer.event import AuthorizerRequest
    from fastapi_cognito_guard.deploy.authorizer.handler import lambda_authorizer, lambda_claims
    from fastapi_cognito_guard.deploy.lambda_function import lambda_handler

__all__ = ["AuthorizerRequest", "export", "lambda_authorizer", "lambda_claims", "lambda_handler"]

_MODULES = {
    "AuthorizerRequest": "authorizer.event",
    "lambda_authorizer": "authorizer.handler",
    "lambda_claims": "authorizer.handler",
    "lambda_handler": "lambda_function",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
