"""Values of a document that others wrote: each is checked for its type, and may be unknown."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi_cognito_guard.errors import ConfigurationError

MAX_BYTES = 10 * 1024 * 1024
_MAX_SHOWN = 80  # characters of a value in a message


class Unknown(NamedTuple):
    """A value that the document does not have, such as one that CloudFormation fills in."""

    text: str

    def __str__(self) -> str:
        return self.text


Value = str | Unknown


def parse_json(text: str) -> object:
    """Parse JSON. Raises `ConfigurationError` for other text, duplicate names and NaN."""
    try:
        return json.loads(text, object_pairs_hook=_build_mapping, parse_constant=_refuse_constant)
    except RecursionError:
        reason = "it is nested too deeply"
    except _Refused as error:
        reason = str(error)
    except ValueError as error:
        reason = f"{error}"
    raise ConfigurationError(f"It is not JSON: {reason}.")


class _Refused(Exception):
    """JSON that two parsers might read in two ways."""


def _build_mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for name, value in pairs:
        if name in mapping:
            raise _Refused(f"it has the name {describe(name)} twice in one object")
        mapping[name] = value
    return mapping


def _refuse_constant(name: str) -> object:
    raise _Refused(f"{name} is no number of JSON")


def read_mapping(value: object) -> Mapping[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def read_list(value: object) -> list[Any]:
    """Return a list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def read_value(value: object) -> Value | None:
    """Return a text that is known, one that is not, or None if there is none."""
    if value is None:
        return None
    if isinstance(value, str) and "${" not in value:
        return value
    return Unknown(describe(value))


def read_values(value: object) -> tuple[Value, ...] | None:
    """Return the texts of a list, which may have one unknown item in place of all; None if it is absent."""
    if value is None:
        return None
    items = value if isinstance(value, list) else [value]
    return tuple(Unknown("null") if (read := read_value(item)) is None else read for item in items)


def read_seconds(value: object) -> int | Unknown | None:
    """Return a whole number, which CloudFormation takes as text, too."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return Unknown(describe(value))


def is_true(value: object) -> bool | Unknown:
    """Return a boolean, which CloudFormation takes as text, too; absent is False."""
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return Unknown(describe(value))


def describe(value: object) -> str:
    """Return a value as one short line."""
    if value is None:
        return "null"
    if isinstance(value, str):
        text = value
    elif isinstance(value, Mapping) and len(value) == 1:
        name, inner = next(iter(value.items()))
        text = f"{name} {inner if isinstance(inner, str) else '...'}"
    else:
        text = {dict: "an object", list: "a list", bool: "a boolean"}.get(type(value), "a number")
    shown = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."
    return "".join(char if char.isprintable() else " " for char in shown)


def simplify_names(fields: object) -> dict[str, Any]:
    """Return an object with its names in one spelling: ``AuthorizerUri``, ``authorizer_uri`` are one."""
    return {str(name).replace("_", "").lower(): value for name, value in read_mapping(fields).items()}
