"""Reader of OpenAPI 3.0 and Swagger 2.0, as API Gateway exports and imports them."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi_cognito_guard.deploy.definition.options import ApiKind
from fastapi_cognito_guard.deploy.drift.authorizers import IAM, find_kind, make_unknown, read_authorizer
from fastapi_cognito_guard.deploy.drift.deployed import (
    ANY,
    Authorizer,
    DeployedApi,
    DeployedCors,
    DeployedRoute,
    parse_route_path,
)
from fastapi_cognito_guard.deploy.drift.readers.cors import read_http_cors, read_mock_cors
from fastapi_cognito_guard.deploy.drift.values import (
    Unknown,
    Value,
    describe,
    read_list,
    read_mapping,
    read_value,
    read_values,
)
from fastapi_cognito_guard.deploy.operations import METHODS
from fastapi_cognito_guard.errors import ConfigurationError

EXTENSION = "x-amazon-apigateway-"
_ANY_METHOD = EXTENSION + "any-method"
_AUTHORIZER = EXTENSION + "authorizer"
_DEFAULT_PATH = "/$default"
_NO_METHODS = ("parameters", "summary", "description", "servers")
_REST_MARKS = tuple(
    EXTENSION + name for name in ("gateway-responses", "binary-media-types", "api-key-source")
)
_REST_MARKS += tuple(EXTENSION + name for name in ("request-validators", "policy", "documentation"))
_HTTP_MARKS = tuple(EXTENSION + name for name in ("cors", "importexport-version"))
_API_KEY_HEADER = "x-api-key"
_HTTP_RESPONSE = "Default response for "  # the description in each export of an HTTP API
_NO_EXTENSIONS = (
    "the document has no extensions of API Gateway, so that nothing is known of authorizers: export it "
    "again, for a REST API with --parameters extensions='apigateway', for an HTTP API with "
    "--include-extensions"
)


def is_openapi(document: Mapping[str, Any]) -> bool:
    """Return True for an OpenAPI or a Swagger document."""
    return ("openapi" in document or "swagger" in document) and "paths" in document


def read_openapi(document: Mapping[str, Any], kind: ApiKind | None = None) -> DeployedApi:
    """Read a document. ``kind``: of the API, if something else than the document says it.

    Raises `ConfigurationError` if nothing does.
    """
    found = kind or find_api_kind(document)
    if found is None:
        raise ConfigurationError(
            "The document does not say if it is of a REST API or of an HTTP API: give --kind rest or --kind "
            "http.",
            setting="kind",
        )
    reader = _Reader(document, found)
    routes = tuple(reader.list_routes())
    title = read_mapping(document.get("info")).get("title")
    return DeployedApi(
        name=title if isinstance(title, str) else "API",
        kind=found,
        routes=routes,
        cors=_read_cors(document) if found == "http" else None,
        gaps=tuple(reader.gaps),
        declares=any(_AUTHORIZER in read_mapping(each) for each in _list_schemes(document).values()),
    )


def _read_cors(document: Mapping[str, Any]) -> DeployedCors | Unknown | None:
    if not _has_extensions(document):
        return Unknown("not exported")
    return read_http_cors(document.get(EXTENSION + "cors"))


def find_api_kind(document: Mapping[str, Any]) -> ApiKind | None:
    """Return the kind of API by what only exports and imports of one kind have."""
    if any(mark in document for mark in _HTTP_MARKS):
        return "http"
    if "swagger" in document or any(mark in document for mark in _REST_MARKS):
        return "rest"
    if _DEFAULT_PATH in read_mapping(document.get("paths")):
        return "http"
    for operation in _list_operations(document):
        integration = read_mapping(operation.get(EXTENSION + "integration"))
        described = read_mapping(read_mapping(operation.get("responses")).get("default")).get("description")
        if "payloadFormatVersion" in integration or str(described).startswith(_HTTP_RESPONSE):
            return "http"
        if integration:
            return "rest"
    return None


def _list_operations(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for item in read_mapping(document.get("paths")).values():
        yield from (read_mapping(operation) for operation in read_mapping(item).values())


def _has_extensions(document: Mapping[str, Any]) -> bool:
    items = (document, *map(read_mapping, _list_schemes(document).values()), *_list_operations(document))
    return any(name.startswith(EXTENSION) for item in items for name in item)


def _list_schemes(document: Mapping[str, Any]) -> Mapping[str, Any]:
    components = read_mapping(document.get("components"))
    return {
        **read_mapping(components.get("securitySchemes")),
        **read_mapping(document.get("securityDefinitions")),
    }


class _Reader:
    """One document, its schemes, and the gaps that were found in it."""

    def __init__(self, document: Mapping[str, Any], kind: ApiKind) -> None:
        self.gaps: list[str] = []
        self._document = document
        self._kind = kind
        self._schemes = _list_schemes(document)
        self._authorizers: dict[str, Authorizer | None] = {}
        self._extended = _has_extensions(document)

    def list_routes(self) -> Iterator[DeployedRoute]:
        """Return the routes of all paths."""
        paths = self._document.get("paths")
        if not isinstance(paths, Mapping):
            self.gaps.append("paths is no object of this document")
        for path, item in read_mapping(paths).items():
            if not path.startswith("/") or not isinstance(item, Mapping):
                self.gaps.append(f"the path {describe(path)} cannot be read")
                continue
            for name, operation in item.items():
                method = ANY if name == _ANY_METHOD else name.upper()
                if method in (*METHODS, ANY):
                    yield self._read_route(path, method, operation)
                elif name not in _NO_METHODS and not name.startswith("x-"):
                    self.gaps.append(f"{describe(name)} of {describe(path)} cannot be read")

    def _read_route(self, path: str, method: str, given: object) -> DeployedRoute:
        operation = read_mapping(given)
        authorizer, scopes, api_key = self._read_security(operation)
        return DeployedRoute(
            path=None if path == _DEFAULT_PATH else parse_route_path(path, keep_slash=self._kind == "http"),
            method=method,
            authorizer=authorizer,
            scopes=scopes,
            api_key=api_key,
            answers=self._read_answers(operation),
        )

    def _read_answers(self, operation: Mapping[str, Any]) -> DeployedCors | None:
        return read_mock_cors(operation.get(EXTENSION + "integration")) if self._kind == "rest" else None

    def _read_security(
        self, operation: Mapping[str, Any]
    ) -> tuple[Authorizer | None, tuple[Value, ...], bool]:
        """Return the authorizer, the scopes, and True if an API key is due."""
        if not self._extended:
            return make_unknown("authorizer", _NO_EXTENSIONS), (), False
        auth = read_mapping(operation.get(EXTENSION + "auth")).get("type")
        if auth is not None and (str(auth).lower() != "none" or operation.get("security")):
            kind = find_kind(auth)
            return (IAM if kind == "iam" else make_unknown("authorizer", _name_auth(auth))), (), False
        given = operation.get("security")
        if given is None and self._document.get("security"):
            reason = "the document has security for all routes, which a gateway may ignore: write it at each"
            return make_unknown("authorizer", reason), (), False
        return self._choose([] if given is None else given)

    def _choose(self, given: object) -> tuple[Authorizer | None, tuple[Value, ...], bool]:
        names: dict[str, Any] = {}
        for entry in read_list(given):
            names |= read_mapping(entry)
        if not isinstance(given, list) or not all(isinstance(entry, Mapping) for entry in given):
            return make_unknown("authorizer", "its security is not known here"), (), False
        keys = [name for name in names if self._is_api_key(name)]
        others = [name for name in names if name not in keys]
        if not others:
            return None, (), bool(keys)
        if len(others) > 1:
            listed = describe(", ".join(others))
            reason = f"it has several authorizers ({listed}), and a gateway has one for a route"
            return make_unknown("authorizer", reason), (), bool(keys)
        return self._find_authorizer(others[0]), read_values(names[others[0]]) or (), bool(keys)

    def _is_api_key(self, name: str) -> bool:
        scheme = read_mapping(self._schemes.get(name))
        header = str(scheme.get("name")).lower()
        return header == _API_KEY_HEADER and not any(key.startswith(EXTENSION) for key in scheme)

    def _find_authorizer(self, name: str) -> Authorizer | None:
        if name not in self._authorizers:
            self._authorizers[name] = self._read_scheme(name)
        return self._authorizers[name]

    def _read_scheme(self, name: str) -> Authorizer:
        scheme = read_mapping(self._schemes.get(name))
        if find_kind(scheme.get(EXTENSION + "authtype")) == "iam":
            return IAM
        given = scheme.get(_AUTHORIZER)
        if not isinstance(given, Mapping):
            return make_unknown(name, f"the document does not say what the authorizer {describe(name)} does")
        fields = dict(given)
        if "openIdConnectUrl" in scheme:
            fields["openIdConnectUrl"] = scheme["openIdConnectUrl"]
        header = read_value(scheme.get("name"))
        if "identitySource" not in fields and isinstance(header, str) and scheme.get("in") == "header":
            fields["identitySource"] = f"method.request.header.{header}"
        return read_authorizer(name, fields, self._kind)


def _name_auth(auth: object) -> str:
    return f"its type of authorization, {describe(auth)}, names no authorizer, or differs from its security"
