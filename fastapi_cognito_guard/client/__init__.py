"""Authentication for callers of a protected API: tokens that requests share and renew in time."""

from fastapi_cognito_guard.client.auth import CognitoAuth
from fastapi_cognito_guard.client.exchange import TokenExchange
from fastapi_cognito_guard.client.sources import ClientCredentials, RefreshToken, TokenProvider

__all__ = ["ClientCredentials", "CognitoAuth", "RefreshToken", "TokenExchange", "TokenProvider"]
