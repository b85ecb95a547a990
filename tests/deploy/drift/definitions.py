"""Parts of exported definitions."""

from collections.abc import Iterator
from typing import Any, NamedTuple

Document = dict[str, Any]

_ANY = "x-amazon-apigateway-any-method"


class Operation(NamedTuple):
    """An operation of an exported definition."""

    method: str
    path: str
    scheme: str | None
    scopes: list[str]
    api_key: bool
    integration: Document

    @property
    def key(self) -> str:
        return "$default" if self.path == "/$default" else f"{self.method} {self.path}"


def list_operations(definition: Document) -> Iterator[Operation]:
    """Return the operations of a definition."""
    for path, item in definition["paths"].items():
        for name, operation in item.items():
            named = {key: scopes for entry in operation.get("security", []) for key, scopes in entry.items()}
            api_key = "api_key" in named
            named.pop("api_key", None)
            scheme = next(iter(named), None)
            method = "ANY" if name == _ANY else name.upper()
            integration = operation.get("x-amazon-apigateway-integration", {})
            yield Operation(method, path, scheme, named.get(scheme, []), api_key, integration)


def list_authorizers(definition: Document) -> Iterator[tuple[str, Document, Document]]:
    """Return names, schemes and authorizers, without IAM and API keys."""
    for name, scheme in definition["components"]["securitySchemes"].items():
        if "x-amazon-apigateway-authorizer" in scheme:
            yield name, scheme, scheme["x-amazon-apigateway-authorizer"]
