"""Revocation before expiry: asking about each token, and a list of revoked ones."""

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
