"""Settings: what they may be, and how they are read from the environment. Errors name the variable."""

import re
from collections.abc import Callable, Collection, Mapping
from inspect import iscoroutinefunction
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


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raises `ConfigurationError` for anything but one of the choices."""
    if value not in choices:
        raise ConfigurationError(f"{name} is one of {', '.join(map(repr, choices))}.", setting=name)


def check_sync(name: str, function: object) -> None:
    """Raises `ConfigurationError` for a function that nobody would await."""
    if iscoroutinefunction(function):
        raise ConfigurationError(f"{name} is called without await: write def, not async def.", setting=name)


def check_leeway(leeway: object) -> None:
    """Raises `ConfigurationError` for anything but seconds from 0 to 300."""
    if isinstance(leeway, bool) or not isinstance(leeway, int | float) or not 0 <= leeway <= 300:
        raise ConfigurationError("leeway is a number of seconds from 0 to 300.", setting="leeway")


def check_whole_number(name: str, value: object, least: int) -> None:
    """Raises `ConfigurationError` for anything but a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{name} is a whole number, {least} or more.", setting=name)


def check_public(deny_by_default: object, public: Collection[str]) -> None:
    """Raises `ConfigurationError` for anything but a list of paths, which need ``deny_by_default``."""
    if isinstance(public, str) or not all(isinstance(path, str) and path.startswith("/") for path in public):
        raise ConfigurationError('public lists paths: public=["/health", "/docs/*"].')
    if public and not deny_by_default:
        raise ConfigurationError(
            "public only means something with deny_by_default=True: add that, or drop public."
        )


def check_token(name: str, value: object, due: str) -> None:
    """Raises `ConfigurationError` for anything but a token, as names in HTTP are (RFC 9110 section 5.6.2)."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", value):
        raise ConfigurationError(f"{name} is {due}.", setting=name)
