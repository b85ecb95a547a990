"""For callers of a protected API: tokens that are had, kept, shared among requests, and renewed in time."""

from fastapi_cognito_guard.client.auth import CognitoAuth
from fastapi_cognito_guard.client.sources import ClientCredentials, RefreshToken, TokenProvider

__all__ = ["ClientCredentials", "CognitoAuth", "RefreshToken", "TokenProvider"]
