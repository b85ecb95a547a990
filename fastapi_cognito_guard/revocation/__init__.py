"""Revocation before expiry: asking about each token, and a list of revoked ones.

Each name is loaded on first use, so that a guard without a list imports no store.
"""

from typing import TYPE_CHECKING

from fastapi_cognito_guard.lazy_names import load_on_use

if TYPE_CHECKING:
    from fastapi_cognito_guard.revocation.backends import Backend, MemoryBackend
    from fastapi_cognito_guard.revocation.check import OnError, Revocation, RevokedCheck
    from fastapi_cognito_guard.revocation.denylist import Denylist
    from fastapi_cognito_guard.revocation.dynamodb import DynamoDBBackend
    from fastapi_cognito_guard.revocation.redis import RedisBackend
    from fastapi_cognito_guard.revocation.urls import open_backend

__all__ = [
    "Backend",
    "Denylist",
    "DynamoDBBackend",
    "MemoryBackend",
    "OnError",
    "RedisBackend",
    "Revocation",
    "RevokedCheck",
    "open_backend",
]

__getattr__ = load_on_use(
    __name__,
    {
        "Backend": "backends",
        "Denylist": "denylist",
        "DynamoDBBackend": "dynamodb",
        "MemoryBackend": "backends",
        "OnError": "check",
        "RedisBackend": "redis",
        "Revocation": "check",
        "RevokedCheck": "check",
        "open_backend": "urls",
    },
)
