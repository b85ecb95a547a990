"""From the app to AWS. What an app behind a gateway does not need is loaded when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# A module of the same name would take the function's place, if it were not loaded first.
from fastapi_cognito_guard.deploy.export import export

if TYPE_CHECKING:
    from fastapi_cognito_guard.deploy.asked import AuthorizerRequest
    from fastapi_cognito_guard.deploy.authorizer import lambda_authorizer, lambda_claims
    from fastapi_cognito_guard.deploy.handler import lambda_handler

__all__ = ["AuthorizerRequest", "export", "lambda_authorizer", "lambda_claims", "lambda_handler"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = import_module(f"{__name__}.{'handler' if name == 'lambda_handler' else 'authorizer'}")
    return getattr(room, name)
