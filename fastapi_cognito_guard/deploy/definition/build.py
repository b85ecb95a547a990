"""Steps of an export: read the routes, apply the gateway's rules, write the document, log the notes."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from fastapi_cognito_guard.deploy.definition.arns import build_invocation_uri, list_in_order
from fastapi_cognito_guard.deploy.definition.cors import read_cors
from fastapi_cognito_guard.deploy.definition.document import ApiSettings, build_document, check_limits
from fastapi_cognito_guard.deploy.definition.notes import log_notes
from fastapi_cognito_guard.deploy.definition.options import ApiKind, ExportOptions, check_options
from fastapi_cognito_guard.deploy.definition.schemes import build_schemes, check_arns
from fastapi_cognito_guard.deploy.definition.security import GatewayRules, OpenApiDocument
from fastapi_cognito_guard.deploy.definition.setting_notes import log_setting_notes
from fastapi_cognito_guard.deploy.operations import GatewayRoutes
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import installed_guard
from fastapi_cognito_guard.requirement_names import check_scope_names

if TYPE_CHECKING:
    from fastapi import FastAPI


def build_definition(app: "FastAPI", kind: ApiKind, options: ExportOptions) -> OpenApiDocument:
    """Return the document to import. Raises `ConfigurationError` for what a gateway cannot express."""
    check_options(kind, options)
    guard = installed_guard(app)
    rules = _build_rules(kind, options)
    routes = GatewayRoutes(app, guard, tree=kind == "rest", leave_out=options.leave_out)
    operations = routes.list_operations(rules.make_access_key)
    needed = {name for each in operations for entry in rules.build_security(each) for name in entry}
    check_arns(needed, rules, options)
    function = build_invocation_uri("lambda_arn", options.lambda_arn)
    settings = ApiSettings(kind, rules, function, read_cors(app))
    document = build_document(app.title, app.version, operations, settings)
    check_limits(document, kind, options.quota)
    document["components"] = {"securitySchemes": build_schemes(needed, rules, guard, options)}
    if options.binary_media_types:
        document["x-amazon-apigateway-binary-media-types"] = list_in_order(options.binary_media_types)
    log_notes(app, guard, rules, routes, operations)
    log_setting_notes(app, guard, rules, options)
    return document


def _build_rules(kind: ApiKind, options: ExportOptions) -> GatewayRules:
    arn = options.authorizer_arn
    return GatewayRules(
        kind=kind,
        catch_all=_parse_catch_all(options.catch_all),
        fallback=options.beyond,
        authorizer_uri=None if arn is None else build_invocation_uri("authorizer_arn", arn),
        authorizer_for=options.authorizer_for,
        rest_authorizer=options.rest_authorizer,
    )


def _parse_catch_all(scopes: Collection[str]) -> tuple[str, ...]:
    try:
        return check_scope_names(() if isinstance(scopes, str) else list_in_order(scopes)) if scopes else ()
    except ConfigurationError:
        raise ConfigurationError(
            'catch_all lists scopes: catch_all=["openid"].', setting="catch_all"
        ) from None
