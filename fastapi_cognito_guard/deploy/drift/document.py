"""Documents about a deployed gateway: their size, their format by content, and the API in them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from fastapi_cognito_guard.deploy.definition.options import ApiKind
from fastapi_cognito_guard.deploy.drift.deployed import DeployedApi
from fastapi_cognito_guard.deploy.drift.readers.cloudformation import is_template, read_template
from fastapi_cognito_guard.deploy.drift.readers.openapi import is_openapi, read_openapi
from fastapi_cognito_guard.deploy.drift.readers.terraform import is_terraform, read_terraform
from fastapi_cognito_guard.deploy.drift.values import MAX_BYTES, describe, parse_json
from fastapi_cognito_guard.errors import ConfigurationError

MAX_ROUTES = 1000
_FORMATS = (
    "an export of API Gateway (OpenAPI 3.0 or Swagger 2.0), a CloudFormation or SAM template, or the output "
    "of terraform show -json"
)
_TO_JSON = (
    "YAML is not read: export with --accepts application/json (REST API) or --output-type JSON (HTTP API), "
    "and convert a template with cfn-flip --json"
)


def read_document(content: bytes, *, api: str | None = None, kind: ApiKind | None = None) -> DeployedApi:
    """Return the API that a document describes.

    ``api``   its name in the document, if there are several
    ``kind``  for an OpenAPI document that does not say it

    Raises `ConfigurationError` for everything that cannot be read.
    """
    found = _choose(_list_apis(_parse(content), kind), api)
    if len(found.routes) > MAX_ROUTES:
        raise ConfigurationError(
            f"The API has {len(found.routes)} routes, and {MAX_ROUTES} is the most that is compared."
        )
    keys = Counter((each.shape, each.method) for each in found.routes)
    doubles = [each for each in found.routes if keys[each.shape, each.method] > 1]
    gaps = [f"{each} is in the document more than once" for each in dict.fromkeys(map(str, doubles))]
    return replace(found, gaps=(*found.gaps, *gaps))


def _parse(content: bytes) -> Mapping[str, object]:
    if len(content) > MAX_BYTES:
        raise ConfigurationError(f"The document has more than {MAX_BYTES // 1024 // 1024} MB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"The document is not text in UTF-8. Give {_FORMATS}.") from None
    if not text.lstrip().startswith(("{", "[")):
        raise ConfigurationError(f"The document is not JSON. {_TO_JSON}.")
    document = parse_json(text)
    if isinstance(document, Mapping) and "TemplateBody" in document:  # aws cloudformation get-template
        document = document["TemplateBody"]
        document = _parse(document.encode("utf-8", "replace")) if isinstance(document, str) else document
    if not isinstance(document, Mapping):
        raise ConfigurationError(f"The document is no JSON object. Give {_FORMATS}.")
    return document


def _list_apis(document: Mapping[str, object], kind: ApiKind | None) -> list[DeployedApi]:
    if is_openapi(document):
        return [read_openapi(document, kind)]
    if is_template(document):
        return read_template(document)
    if is_terraform(document):
        return read_terraform(document)
    raise ConfigurationError(f"The document is of no known format. Give {_FORMATS}.")


def _choose(apis: list[DeployedApi], name: str | None) -> DeployedApi:
    if name is not None:
        apis = [each for each in apis if each.name == name]
    found = [each for each in apis if each.routes or each.gaps] or apis
    if not found:
        raise ConfigurationError(
            f"The document has no REST API and no HTTP API{f' {describe(name)}' if name else ''}."
        )
    if len(found) > 1:
        names = ", ".join(describe(each.name) for each in found[:10])
        raise ConfigurationError(
            f"The document has several APIs ({names}): choose one with --api.", setting="api"
        )
    return found[0]
