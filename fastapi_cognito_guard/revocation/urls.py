"""Backends by their address, for a setting that the app and the command line share."""

from urllib.parse import urlsplit

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.revocation.backends import Backend
from fastapi_cognito_guard.revocation.dynamodb import DynamoDBBackend
from fastapi_cognito_guard.revocation.redis import RedisBackend

_FORMS = "dynamodb://REGION/TABLE, redis://HOST:PORT/0 or rediss://HOST:PORT/0"


def open_backend(url: str) -> Backend:
    """Return the backend at an address: ``dynamodb://eu-west-1/revoked``, ``redis://localhost:6379/0``.

    Without a region, ``dynamodb:///revoked``, it is that of the environment. Raises `ConfigurationError`,
    which never repeats the address: it may hold a password.
    """
    try:
        parts = urlsplit(url)
    except (ValueError, AttributeError, TypeError):
        raise ConfigurationError(f"The address of a backend is {_FORMS}.") from None
    if parts.scheme in ("redis", "rediss"):
        return RedisBackend(url)
    table = parts.path.removeprefix("/")
    if parts.scheme == "dynamodb" and table and "/" not in table:
        return DynamoDBBackend(table, region=parts.netloc or None)
    raise ConfigurationError(f"The address of a backend is {_FORMS}.")
