"""From the app to AWS. What an app behind a gateway does not need is loaded when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# A module of the same name would take the function's place, if it were not loaded first.
from fastapi_cognito_guard.deploy.export import export

if TYPE_CHECKING:
    from fastapi_cognito_guard.deploy.authorizer.event import AuthorizerRequest
    from fastapi_cognito_guard.deploy.authorizer.handler import lambda_authorizer, lambda_claims
    from fastapi_cognito_guard.deploy.lambda_function import lambda_handler

__all__ = ["AuthorizerRequest", "export", "lambda_authorizer", "lambda_claims", "lambda_handler"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = "lambda_function" if name == "lambda_handler" else "authorizer.handler"
    return getattr(import_module(f"{__name__}.{room}"), name)
