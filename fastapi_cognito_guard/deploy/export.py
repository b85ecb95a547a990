"""Export of an API Gateway definition from the app's routes, so that access rules are written once."""

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI

    from fastapi_cognito_guard.deploy.definition.arns import TemplateValue
    from fastapi_cognito_guard.deploy.definition.options import (
        ApiKind,
        AuthorizerFor,
        Fallback,
        RestAuthorizer,
    )
    from fastapi_cognito_guard.deploy.definition.security import OpenApiDocument


def export(
    app: "FastAPI",
    kind: "ApiKind",
    *,
    user_pool_arn: "TemplateValue | Sequence[TemplateValue] | None" = None,
    lambda_arn: "TemplateValue | None" = None,
    authorizer_arn: "TemplateValue | None" = None,
    authorizer_for: "AuthorizerFor" = "beyond",
    catch_all: Collection[str] = (),
    beyond: "Fallback" = "refuse",
    issuer: "TemplateValue | Sequence[TemplateValue] | None" = None,
    audience: "TemplateValue | Collection[TemplateValue] | None" = None,
    leave_out: Collection[str] = (),
    quota: int = 300,
    rest_authorizer: "RestAuthorizer" = "cognito",
    binary_media_types: Collection[str] = (),
) -> "OpenApiDocument":
    """Return the OpenAPI 3.0.1 document to import as a REST API (``"rest"``) or an HTTP API (``"http"``).

    ``user_pool_arn``       ARN of the guard's pool, or a list for several; ``"rest"`` needs it
    ``lambda_arn``          ARN of the function that runs the app with `lambda_handler`
    ``authorizer_arn``      ARN of a function with `lambda_authorizer`. It decides what the gateway's own
                            authorizer cannot: groups, claims, all of several scopes
    ``authorizer_for``      operations of that function: ``"beyond"`` for only those, or ``"all"`` for every
                            operation that is not open
    ``catch_all``           scopes for routes that require none. Without scopes a REST API's Cognito
                            authorizer takes ID tokens; to have it take access tokens, name scopes of which
                            each token has at least one
    ``beyond``              without ``authorizer_arn``, for routes with several lists of scopes or of groups:
                            ``"refuse"`` to export them, or leave the rest of the checks to the ``"app"``
    ``issuer``              of a JWT authorizer, instead of the first issuer of the guard's pool: another of
                            its issuers; for ``"rest"`` also a list
    ``audience``            of a JWT authorizer, instead of the guard's ``client_ids`` and ``resource``: a
                            list, or one CloudFormation function that gives it: ``{"Ref": "ClientIds"}``
    ``leave_out``           paths to leave out of the document: exact, or a subtree ending in ``/*``
    ``quota``               your quota of routes (``"http"``) or resources (``"rest"``) per API
    ``rest_authorizer``     for ``"rest"``: the authorizer for user pools, ``"cognito"``, or the one for
                            ``"jwt"``s, which needs no ``user_pool_arn`` and compares ``aud``: access tokens
                            have it with `UserPool`'s ``resource``
    ``binary_media_types``  for ``"rest"``: media types whose base64 the gateway decodes, ``["*/*"]`` for all

    An ARN, an issuer, or an item of the audience is text, text with ``${Function.Arn}``, which becomes
    an ``Fn::Sub``, or a CloudFormation function.

    Notes go to the logger ``fastapi_cognito_guard.export``: for information, or as a warning if something
    may be a mistake. Raises `ConfigurationError`, naming the route or the setting, for what a gateway
    cannot express.
    """
    # Imported here: deployed functions import this module, and never export.
    from fastapi_cognito_guard.deploy.definition.build import build_definition
    from fastapi_cognito_guard.deploy.definition.options import ExportOptions

    options = ExportOptions(
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
        rest_authorizer=rest_authorizer,
        binary_media_types=binary_media_types,
    )
    return build_definition(app, kind, options)
