"""How a definition is made: the app's routes, then the gateway's rules, then the document, then the notes."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple, get_args

from fastapi_cognito_guard.deploy.definition import arns
from fastapi_cognito_guard.deploy.definition.arns import Value
from fastapi_cognito_guard.deploy.definition.cors import read_cors
from fastapi_cognito_guard.deploy.definition.document import Gateway, build_document, check_quota
from fastapi_cognito_guard.deploy.definition.notes import log_notes
from fastapi_cognito_guard.deploy.definition.schemes import schemes
from fastapi_cognito_guard.deploy.definition.security import AuthorizerFor, Beyond, Document, Kind, Security
from fastapi_cognito_guard.deploy.operations import GatewayRoutes
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import installed_guard
from fastapi_cognito_guard.policy import check_scope_names
from fastapi_cognito_guard.settings import check_choice, check_whole_number

if TYPE_CHECKING:
    from fastapi import FastAPI


class ExportOptions(NamedTuple):
    """The arguments of `export`, which says what they mean."""

    user_pool_arn: Value | Sequence[Value] | None
    lambda_arn: Value | None
    authorizer_arn: Value | None
    authorizer_for: AuthorizerFor
    catch_all: Collection[str]
    beyond: Beyond
    issuer: Value | None
    audience: Value | Collection[Value] | None
    leave_out: Collection[str]
    quota: int


def definition(app: "FastAPI", kind: Kind, wishes: ExportOptions) -> Document:
    """The document for a gateway. Nothing is returned before all of it is right."""
    _check(kind, wishes)
    guard = installed_guard(app)
    rules = _rules(kind, wishes)
    function = arns.invocation("lambda_arn", wishes.lambda_arn)
    routes = GatewayRoutes(app, guard, tree=kind == "rest", leave_out=wishes.leave_out)
    operations = routes.list_operations(rules.alike)
    document = build_document(
        app.title, app.version, operations, Gateway(kind, rules, function, read_cors(app))
    )
    check_quota(document, kind, wishes.quota)
    needed = {name for operation in operations for entry in rules.of(operation) for name in entry}
    document["components"] = {"securitySchemes": schemes(needed, rules, guard, wishes)}
    log_notes(app, guard, rules, routes, operations)
    return document


def _rules(kind: Kind, wishes: ExportOptions) -> Security:
    given = wishes.authorizer_arn
    return Security(
        kind=kind,
        catch_all=_catch_all(wishes.catch_all),
        beyond=wishes.beyond,
        authorizer=None if given is None else arns.invocation("authorizer_arn", given),
        authorizer_for=wishes.authorizer_for,
    )


def _catch_all(given: Collection[str]) -> tuple[str, ...]:
    try:
        return check_scope_names(() if isinstance(given, str) else arns.in_order(given)) if given else ()
    except ConfigurationError:
        raise ConfigurationError(
            'catch_all lists scopes: catch_all=["openid"].', setting="catch_all"
        ) from None


def _check(kind: object, wishes: ExportOptions) -> None:
    check_choice("kind", kind, get_args(Kind))
    check_choice("authorizer_for", wishes.authorizer_for, get_args(AuthorizerFor))
    check_choice("beyond", wishes.beyond, get_args(Beyond))
    check_whole_number("quota", wishes.quota, 1)
    if wishes.authorizer_for == "all" and wishes.authorizer_arn is None:
        raise ConfigurationError(
            'authorizer_for="all" is for the function of authorizer_arn, which is missing: give its ARN, or '
            "drop authorizer_for.",
            setting="authorizer_arn",
        )
    if not _are_paths(wishes.leave_out):
        raise ConfigurationError(
            'leave_out lists paths: leave_out=["/docs", "/docs/*"].', setting="leave_out"
        )


def _are_paths(given: object) -> bool:
    if isinstance(given, str) or not isinstance(given, Collection):
        return False
    return all(isinstance(path, str) and path.startswith("/") for path in given)
