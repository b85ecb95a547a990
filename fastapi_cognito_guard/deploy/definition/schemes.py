"""Security schemes of a document: the authorizers of the gateway."""

from collections.abc import Collection, Mapping, Sequence

from fastapi_cognito_guard.deploy.definition.arns import TemplateValue, build_pool_arn, find_pool_id
from fastapi_cognito_guard.deploy.definition.jwt import build_http_jwt_scheme, build_rest_jwt_scheme
from fastapi_cognito_guard.deploy.definition.options import ApiKind, ExportOptions
from fastapi_cognito_guard.deploy.definition.security import (
    COGNITO_SCHEME,
    IAM_SCHEME,
    LAMBDA_SCHEME,
    GatewayRules,
    OpenApiDocument,
)
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard

_TTL = 300  # seconds for which a gateway caches a Lambda authorizer's response: a REST API's default
_SIGV4 = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "x-amazon-apigateway-authtype": "awsSigv4",
}


def build_schemes(
    names: Collection[str], rules: GatewayRules, guard: CognitoGuard, options: ExportOptions
) -> OpenApiDocument:
    """Return the security schemes with these names. Raises `ConfigurationError` for a missing setting."""
    if COGNITO_SCHEME in names and guard.directory is not None:
        raise ConfigurationError(
            "A gateway's own authorizer has a fixed list of pools, and the guard has a directory: let "
            'lambda_authorizer decide on all: authorizer_arn=... and authorizer_for="all".',
            setting="authorizer_for",
        )
    header = guard.header.decode("ascii").title()  # the guard keeps the name in lower case
    pool_arns = _list_pool_arns(options.user_pool_arn, guard)
    schemes: OpenApiDocument = {}
    if COGNITO_SCHEME in names and rules.is_for_user_pools:
        schemes[COGNITO_SCHEME] = _build_cognito_scheme(pool_arns, header)
    elif COGNITO_SCHEME in names:
        build = build_rest_jwt_scheme if rules.kind == "rest" else build_http_jwt_scheme
        schemes[COGNITO_SCHEME] = build(options, guard, header)
    if LAMBDA_SCHEME in names and rules.authorizer_uri is not None:
        schemes[LAMBDA_SCHEME] = _build_lambda_scheme(rules.kind, rules.authorizer_uri, header)
    if IAM_SCHEME in names:
        schemes[IAM_SCHEME] = dict(_SIGV4)
    return schemes


def check_arns(names: Collection[str], rules: GatewayRules, options: ExportOptions) -> None:
    """Raise `ConfigurationError` if two ARNs are missing. It names both; one alone is refused by its user."""
    needs_pool = COGNITO_SCHEME in names and rules.is_for_user_pools
    if options.lambda_arn is None and needs_pool and not options.user_pool_arn:
        raise ConfigurationError(
            "user_pool_arn and lambda_arn are missing: write the ARNs of the user pool, "
            "arn:aws:cognito-idp:REGION:ACCOUNT:userpool/POOL_ID, and of the function, "
            'arn:aws:lambda:REGION:ACCOUNT:function:NAME; for CloudFormation "${UserPool.Arn}" and '
            '"${Function.Arn}".',
            setting="user_pool_arn",
        )


def _build_cognito_scheme(pool_arns: Sequence[TemplateValue], header: str) -> OpenApiDocument:
    if not pool_arns:
        raise ConfigurationError(
            "user_pool_arn is missing: a REST API's authorizer names the pool by its ARN, "
            'arn:aws:cognito-idp:REGION:ACCOUNT:userpool/POOL_ID, for CloudFormation "${UserPool.Arn}".',
            setting="user_pool_arn",
        )
    return {
        "type": "apiKey",
        "name": header,
        "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": list(pool_arns)},
    }


def _build_lambda_scheme(kind: ApiKind, uri: TemplateValue, header: str) -> OpenApiDocument:
    """Declare a Lambda authorizer whose responses are cached, as those of `lambda_authorizer` may be."""
    authorizer: OpenApiDocument = {"authorizerUri": uri, "authorizerResultTtlInSeconds": _TTL}
    if kind == "rest":
        authorizer = {"type": "token", **authorizer}
    else:
        authorizer = {
            "type": "request",
            **authorizer,
            "identitySource": f"$request.header.{header}",
            "authorizerPayloadFormatVersion": "2.0",
            "enableSimpleResponses": False,
        }
    return {
        "type": "apiKey",
        "name": header,
        "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": authorizer,
    }


def _list_pool_arns(arns: object, guard: CognitoGuard) -> list[TemplateValue]:
    """Return the ARNs of the pools. Those that name a pool must name one of the guard's."""
    if arns is None:
        return []
    listed = [arns] if isinstance(arns, str | Mapping) or not isinstance(arns, Sequence) else arns
    pool_arns = [build_pool_arn("user_pool_arn", arn) for arn in listed]
    trusted = {pool.id for pool in guard.pools}
    for arn in pool_arns:
        if find_pool_id(arn) not in {None, *trusted}:
            raise ConfigurationError(
                f"user_pool_arn names the pool {find_pool_id(arn)}, and the guard trusts "
                f"{', '.join(sorted(trusted))}: the gateway would accept tokens that the app refuses. Write "
                "the ARN of a pool of the guard.",
                setting="user_pool_arn",
            )
    return pool_arns
