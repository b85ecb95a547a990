"""CORS settings of a gateway: of an HTTP API, and of methods of a REST API that answer without the app."""

from collections.abc import Mapping
from typing import Any

from fastapi_cognito_guard.deploy.drift.deployed import DeployedCors
from fastapi_cognito_guard.deploy.drift.values import (
    Unknown,
    Value,
    describe,
    is_true,
    read_mapping,
    read_values,
    simplify_names,
)

_LISTS = ("origins", "methods", "headers")
_HEADER = "method.response.header.access-control-allow-"


def read_http_cors(given: object) -> DeployedCors | Unknown | None:
    """Read the CORS settings of an HTTP API: an object, or a block of Terraform."""
    if isinstance(given, list):
        given = given[0] if given else None
    if given is None or given is False:
        return None
    if given is True:  # all origins, methods and headers: SAM
        return DeployedCors(("*",), ("*",), ("*",), credentials=False)
    if not isinstance(given, Mapping) or any(str(name).startswith("Fn::") or name == "Ref" for name in given):
        return Unknown(describe(given))
    fields = simplify_names(given)
    origins, methods, headers = (read_values(fields.get(f"allow{name}")) or () for name in _LISTS)
    return DeployedCors(origins, methods, headers, is_true(fields.get("allowcredentials")))


def read_mock_cors(given: object) -> DeployedCors | None:
    """Read the headers that a mock integration of a REST API answers with; None for another integration."""
    integration = read_mapping(given)
    if str(integration.get("type")).lower() != "mock":
        return None
    found: dict[str, Any] = {}
    for response in read_mapping(integration.get("responses")).values():
        for name, value in read_mapping(read_mapping(response).get("responseParameters")).items():
            if name.lower().startswith(_HEADER):
                found[name.lower().removeprefix(_HEADER)] = value
    return DeployedCors(
        _split(found.get("origin")),
        _split(found.get("methods")),
        _split(found.get("headers")),
        credentials="true" in str(found.get("credentials")).lower(),
    )


def _split(value: object) -> tuple[Value, ...]:
    """Return the items of a quoted text: ``'GET,POST'``."""
    if value is None:
        return ()
    if not isinstance(value, str) or not value.startswith("'"):
        return (Unknown(describe(value)),)
    return tuple(item.strip() for item in value.strip("'").split(",") if item.strip())
