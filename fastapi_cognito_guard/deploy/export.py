"""An API Gateway definition from the app's own routes, so that nobody writes twice who may call what."""

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI

    from fastapi_cognito_guard.deploy.definition.arns import Value
    from fastapi_cognito_guard.deploy.definition.security import AuthorizerFor, Beyond, Document, Kind


def export(
    app: "FastAPI",
    kind: "Kind",
    *,
    user_pool_arn: "Value | Sequence[Value] | None" = None,
    lambda_arn: "Value | None" = None,
    authorizer_arn: "Value | None" = None,
    authorizer_for: "AuthorizerFor" = "beyond",
    catch_all: Collection[str] = (),
    beyond: "Beyond" = "refuse",
    issuer: "Value | None" = None,
    audience: "Value | Collection[Value] | None" = None,
    leave_out: Collection[str] = (),
    quota: int = 300,
) -> "Document":
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
    ``audience``        for ``"http"``, instead of the guard's ``client_ids`` and ``resource``: a list, or
                        one CloudFormation function that gives it: ``{"Ref": "ClientIds"}``
    ``leave_out``       paths that the gateway is not to know: exact, or a subtree ending in ``/*``
    ``quota``           how many routes (``"http"``) or resources (``"rest"``) an API of yours may have

    An ARN, an issuer, or an item of the audience is text, text with ``${Function.Arn}``, which becomes
    an ``Fn::Sub``, or a CloudFormation function.

    Each note is logged by ``fastapi_cognito_guard.export``: for information, or as a warning where
    somebody should look. Raises `ConfigurationError`, naming the route or the setting, for what a gateway
    cannot say.
    """
    # Only here: a function that is deployed imports this package, and exports nothing.
    from fastapi_cognito_guard.deploy.definition.build import ExportOptions, definition

    wishes = ExportOptions(
        user_pool_arn=user_pool_arn,
        lambda_arn=lambda_arn,
        authorizer_arn=authorizer_arn,
        authorizer_for=authorizer_for,
        catch_all=catch_all,
        beyond=beyond,
        issuer=issuer,
        audience=audience,
        leave_out=leave_out,
        quota=quota,
    )
    return definition(app, kind, wishes)
