"""An API Gateway definition from the app's own routes, so that nobody writes twice who may call what.

It is a document for a gateway, and not the API's own. Each note about it is logged by
``fastapi_cognito_guard.export``: for information, or as a warning where somebody should look.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from fastapi_cognito_guard.deploy import arns
from fastapi_cognito_guard.deploy.arns import Value
from fastapi_cognito_guard.deploy.cors import cors_of
from fastapi_cognito_guard.deploy.document import Gateway, check_quota, document_of
from fastapi_cognito_guard.deploy.notes import take_notes
from fastapi_cognito_guard.deploy.operations import Routes, guard_of
from fastapi_cognito_guard.deploy.schemes import Given, schemes
from fastapi_cognito_guard.deploy.security import AuthorizerFor, Beyond, Document, Kind, Security
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.policy import scope_names

if TYPE_CHECKING:
    from fastapi import FastAPI

_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "kind": get_args(Kind),
    "authorizer_for": get_args(AuthorizerFor),
    "beyond": get_args(Beyond),
}


def export(
    app: "FastAPI",
    kind: Kind,
    *,
    user_pool_arn: Value | Sequence[Value] | None = None,
    lambda_arn: Value | None = None,
    authorizer_arn: Value | None = None,
    authorizer_for: AuthorizerFor = "beyond",
    catch_all: Collection[str] = (),
    beyond: Beyond = "refuse",
    issuer: Value | None = None,
    audience: Collection[Value] | None = None,
    leave_out: Collection[str] = (),
    quota: int = 300,
) -> Document:
    """The OpenAPI 3.0.1 document to import as a REST API (``"rest"``) or an HTTP API (``"http"``).

    ``user_pool_arn``   of the guard's pool, or a list for several; ``"rest"`` needs it
    ``lambda_arn``      of the function behind: the app with `lambda_handler`
    ``authorizer_arn``  of a function with `lambda_authorizer`, which then decides what the gateway's own
                        authorizer cannot: groups, claims, all of several scopes
    ``authorizer_for``  ``"beyond"``: only those; or ``"all"``: every operation that is not open
    ``catch_all``       scopes for routes that ask for none. A REST API takes ID tokens there; where access
                        tokens are due, name scopes of which each of yours has one
    ``beyond``          without ``authorizer_arn``, what of routes that ask for several lists of scopes or
                        of groups at once: ``"refuse"`` to export them, or leave the rest to the ``"app"``
    ``issuer``          for ``"http"``, instead of the guard's pool's
    ``audience``        for ``"http"``, instead of the guard's ``client_ids`` and ``resource``
    ``leave_out``       paths that the gateway is not to know: exact, or a subtree ending in ``/*``
    ``quota``           how many routes (``"http"``) or resources (``"rest"``) an API of yours may have

    An ARN is text, text with ``${Function.Arn}``, which becomes an ``Fn::Sub``, or a CloudFormation
    function.

    Raises `ConfigurationError`, naming the route or the setting, for what a gateway cannot say.
    """
    _check_choices(kind=kind, authorizer_for=authorizer_for, beyond=beyond)
    guard = guard_of(app)
    rules = Security(
        kind=kind,
        catch_all=scope_names(list(catch_all)) if catch_all else (),
        beyond=beyond,
        authorizer=None if authorizer_arn is None else arns.invocation("authorizer_arn", authorizer_arn),
        authorizer_for=authorizer_for,
    )
    gateway = Gateway(kind, rules, arns.invocation("lambda_arn", lambda_arn), cors_of(app))
    routes = Routes(app, guard, tree=kind == "rest", leave_out=leave_out)
    operations = routes.operations(rules.alike)
    document = document_of(app.title, app.version, operations, gateway)
    check_quota(document, kind, quota)
    needed = {name for operation in operations for entry in rules.of(operation) for name in entry}
    given = Given(user_pool_arn, issuer, audience)
    document["components"] = {"securitySchemes": schemes(needed, kind, guard, given, rules.authorizer)}
    take_notes(app, guard, rules, routes, operations)
    return document


def _check_choices(**given: object) -> None:
    for name, value in given.items():
        if value not in _CHOICES[name]:
            raise ConfigurationError(
                f"{name} is one of {', '.join(map(repr, _CHOICES[name]))}.", setting=name
            )
