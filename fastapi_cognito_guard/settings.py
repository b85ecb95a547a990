"""Checks of settings, and reading them from the environment."""

import re
from collections.abc import Callable, Collection, Mapping
from inspect import iscoroutinefunction
from typing import Any

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.pool import AnyClient


def _parse_list(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _parse_clients(value: str) -> Any:
    return AnyClient[value] if value in AnyClient.__members__ else _parse_list(value)


def _parse_seconds(value: str) -> Any:
    try:
        return float(value)
    except ValueError:
        return value  # the guard says what it should be


Reader = Callable[[str], Any]
POOL: Mapping[str, tuple[str, Reader]] = {
    "id": ("COGNITO_USER_POOL_ID", str),
    "client_ids": ("COGNITO_CLIENT_IDS", _parse_clients),
    "token_use": ("COGNITO_TOKEN_USE", _parse_list),
    "regions": ("COGNITO_REGIONS", _parse_list),
    "resource": ("COGNITO_RESOURCE", str),
    "issuer": ("COGNITO_ISSUER", str),
    "jwks_uri": ("COGNITO_JWKS_URI", str),
    "jwks": ("COGNITO_JWKS_FILE", str),
    "domain": ("COGNITO_DOMAIN", str),
    "levels": ("COGNITO_LEVELS", _parse_list),
    "http_hosts": ("COGNITO_HTTP_HOSTS", _parse_list),
}
GUARD: Mapping[str, tuple[str, Reader]] = {
    "semantics": ("COGNITO_SEMANTICS", str),
    "gateway": ("COGNITO_GATEWAY", str),
    "identity_source": ("COGNITO_IDENTITY_SOURCE", str),
    "leeway": ("COGNITO_LEEWAY", _parse_seconds),
}


_OTHERS = ("COGNITO_TOKEN", "COGNITO_DENYLIST")  # that the command line reads, or an example


def read_environment(environ: Mapping[str, str], table: Mapping[str, tuple[str, Reader]]) -> dict[str, Any]:
    """Return the settings of a table that the environment has. An empty variable counts as not set."""
    given = {key: environ.get(name, "").strip() for key, (name, _) in table.items()}
    return {key: table[key][1](value) for key, value in given.items() if value}


def require_settings(settings: Mapping[str, Any], environ: Mapping[str, str], *keys: str) -> None:
    """Raise `ConfigurationError` if a setting without a default is missing. It names misspelt variables."""
    missing = [key for key in keys if not settings.get(key)]
    if missing:
        names = " and ".join(POOL[key][0] for key in missing)
        misspelt = [
            f" {given} is no variable of the guard: did you mean {meant}?"
            for given, meant in find_misspelt(environ).items()
        ]
        raise ConfigurationError(f"Set {names} in the environment.{''.join(misspelt)}", setting=missing[0])


def find_misspelt(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are none of the guard's, each with the one that it resembles."""
    from difflib import get_close_matches  # only where something may be misspelt

    known = {_simplify(name): name for name, _ in {**POOL, **GUARD}.values()}
    found: dict[str, str] = {}
    for given in sorted(environ):
        if given.upper().startswith("COGNITO") and given not in _OTHERS and given not in known.values():
            near = get_close_matches(_simplify(given), known, 1, cutoff=0.75)
            found |= {given: known[near[0]]} if near else {}
    return found


def _simplify(name: str) -> str:
    return name.upper().replace("_", "").removeprefix("COGNITO")


def name_variable(error: ConfigurationError) -> ConfigurationError:
    """Return the same error with the name of the environment variable that it is about."""
    name, _ = {**POOL, **GUARD}.get(error.setting or "", ("", None))
    return ConfigurationError(f"{name}: {error}" if name else str(error), setting=error.setting)


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raise `ConfigurationError` unless ``value`` is one of the choices."""
    if value not in choices:
        raise ConfigurationError(f"{name} is one of {', '.join(map(repr, choices))}.", setting=name)


def check_sync(name: str, function: object) -> None:
    """Raise `ConfigurationError` for a coroutine function, which would never be awaited."""
    if iscoroutinefunction(function):
        raise ConfigurationError(f"{name} is called without await: write def, not async def.", setting=name)


def check_leeway(leeway: object) -> None:
    """Raise `ConfigurationError` unless ``leeway`` is a number of seconds from 0 to 300."""
    if isinstance(leeway, bool) or not isinstance(leeway, int | float) or not 0 <= leeway <= 300:
        raise ConfigurationError("leeway is a number of seconds from 0 to 300.", setting="leeway")


def check_whole_number(name: str, value: object, least: int) -> None:
    """Raise `ConfigurationError` unless ``value`` is a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{name} is a whole number, {least} or more.", setting=name)


def check_seconds(name: str, value: object, most: float, *, above_zero: bool = False) -> None:
    """Raise `ConfigurationError` unless ``value`` is a number of seconds from 0 to ``most``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ConfigurationError(f"{name} is a number of seconds, at most {most:.0f}.", setting=name)
    if above_zero and not value:
        raise ConfigurationError(f"{name} is more than 0 seconds.", setting=name)


def check_public(deny_by_default: object, public: Collection[str]) -> None:
    """Raise `ConfigurationError` unless ``public`` lists paths, and ``deny_by_default`` is set if it does."""
    if isinstance(public, str) or not all(isinstance(path, str) and path.startswith("/") for path in public):
        raise ConfigurationError('public lists paths: public=["/health", "/docs/*"].')
    if public and not deny_by_default:
        raise ConfigurationError(
            "public only means something with deny_by_default=True: add that, or drop public."
        )


def check_token(name: str, value: object, expected: str) -> None:
    """Raise `ConfigurationError` unless ``value`` is a token (RFC 9110 section 5.6.2)."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", value):
        raise ConfigurationError(f"{name} is {expected}.", setting=name)
