"""Settings from the environment. Every error names the variable."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.pool import ANY_CLIENT


def _text(value: str) -> str:
    return value


def _list(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _clients(value: str) -> Any:
    return ANY_CLIENT if value == "ANY_CLIENT" else _list(value)


def _seconds(value: str) -> Any:
    try:
        return float(value)
    except ValueError:
        return value  # the guard says what it should have been


Reader = Callable[[str], Any]
POOL: Mapping[str, tuple[str, Reader]] = {
    "id": ("COGNITO_USER_POOL_ID", _text),
    "client_ids": ("COGNITO_CLIENT_IDS", _clients),
    "token_use": ("COGNITO_TOKEN_USE", _list),
    "regions": ("COGNITO_REGIONS", _list),
    "resource": ("COGNITO_RESOURCE", _text),
    "issuer": ("COGNITO_ISSUER", _text),
    "jwks_uri": ("COGNITO_JWKS_URI", _text),
    "jwks": ("COGNITO_JWKS_FILE", _text),
    "domain": ("COGNITO_DOMAIN", _text),
}
GUARD: Mapping[str, tuple[str, Reader]] = {
    "semantics": ("COGNITO_SEMANTICS", _text),
    "gateway": ("COGNITO_GATEWAY", _text),
    "identity_source": ("COGNITO_IDENTITY_SOURCE", _text),
    "leeway": ("COGNITO_LEEWAY", _seconds),
}


def read(environ: Mapping[str, str], table: Mapping[str, tuple[str, Reader]]) -> dict[str, Any]:
    """The settings of a table that the environment has. Empty counts as not set."""
    given = {key: environ.get(name, "").strip() for key, (name, _) in table.items()}
    return {key: table[key][1](value) for key, value in given.items() if value}


def require(settings: Mapping[str, Any], *keys: str) -> None:
    """Raises `ConfigurationError` for settings that have no default and are not there."""
    missing = [key for key in keys if not settings.get(key)]
    if missing:
        names = " and ".join(POOL[key][0] for key in missing)
        raise ConfigurationError(f"Set {names} in the environment.", setting=missing[0])


def named(error: ConfigurationError) -> ConfigurationError:
    """The same error, with the name of the variable that it is about."""
    name, _ = {**POOL, **GUARD}.get(error.setting or "", ("", None))
    return ConfigurationError(f"{name}: {error}" if name else str(error), setting=error.setting)
