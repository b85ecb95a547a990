"""Security schemes of a document: the authorizers of the gateway."""

import re
from collections.abc import Collection, Mapping, Sequence

from fastapi_cognito_guard.deploy.definition.arns import (
    TemplateValue,
    build_pool_arn,
    find_pool_id,
    is_for_cloudformation,
    list_in_order,
    substitute,
)
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
from fastapi_cognito_guard.pool import AnyClient, UserPool

_MAX_AUDIENCES = 50  # of an HTTP API's authorizer
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
    header = guard.header.decode("ascii").title()  # the guard keeps the name in lower case
    pool_arns = _list_pool_arns(options.user_pool_arn, guard)
    schemes: OpenApiDocument = {}
    if COGNITO_SCHEME in names and rules.kind == "rest":
        schemes[COGNITO_SCHEME] = _build_cognito_scheme(pool_arns, header)
    elif COGNITO_SCHEME in names:
        issuer = _find_issuer(options.issuer, guard.pools)
        schemes[COGNITO_SCHEME] = _build_jwt_scheme(issuer, _build_audience(options, guard.pools), header)
    if LAMBDA_SCHEME in names and rules.authorizer_uri is not None:
        schemes[LAMBDA_SCHEME] = _build_lambda_scheme(rules.kind, rules.authorizer_uri, header)
    if IAM_SCHEME in names:
        schemes[IAM_SCHEME] = dict(_SIGV4)
    return schemes


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


def _build_jwt_scheme(
    issuer: TemplateValue, audience: TemplateValue | list[TemplateValue], header: str
) -> OpenApiDocument:
    return {
        "type": "openIdConnect",
        # The gateway takes the issuer from this address.
        "openIdConnectUrl": substitute("%s/.well-known/openid-configuration", issuer),
        "x-amazon-apigateway-authorizer": {
            "type": "jwt",
            "jwtConfiguration": {"audience": audience},
            "identitySource": f"$request.header.{header}",
        },
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


def _find_issuer(issuer: object, pools: Sequence[UserPool]) -> TemplateValue:
    if issuer is None and len(pools) > 1:
        raise ConfigurationError(
            "A JWT authorizer of an HTTP API has one issuer, and the guard has several pools: choose the "
            "issuer of one, issuer=..., or let lambda_authorizer decide on all: authorizer_arn=... and "
            'authorizer_for="all".',
            setting="issuer",
        )
    issuer = pools[0].issuers[0] if issuer is None else issuer
    if isinstance(issuer, str | Mapping) and (_is_https(issuer) or is_for_cloudformation(issuer)):
        return issuer
    raise ConfigurationError(
        "issuer is an https address, https://cognito-idp.REGION.amazonaws.com/POOL_ID, or for CloudFormation "
        '"https://cognito-idp.${AWS::Region}.amazonaws.com/${UserPool}".',
        setting="issuer",
    )


def _is_https(address: object) -> bool:
    return isinstance(address, str) and re.fullmatch(r"https://[^\s/?#]+(?:/[^\s?#]*)?", address) is not None


def _build_audience(options: ExportOptions, pools: Sequence[UserPool]) -> TemplateValue | list[TemplateValue]:
    audience = options.audience
    if audience is None:
        return _list_clients(_find_pool(options.issuer, pools))
    if isinstance(audience, Mapping) and is_for_cloudformation(audience):
        return dict(audience)
    items = [] if isinstance(audience, str | Mapping) or not isinstance(audience, Collection) else audience
    if not 0 < len(items) <= _MAX_AUDIENCES or not all(map(_is_audience, items)):
        raise ConfigurationError(
            f'audience lists 1 to {_MAX_AUDIENCES} app clients, or resources: audience=["4b1example"]. For '
            'CloudFormation also audience=["${Client}"], or a function that gives all: {"Ref": "ClientIds"}.',
            setting="audience",
        )
    return [substitute("%s", item) for item in list_in_order(items)]


def _is_audience(item: object) -> bool:
    if isinstance(item, str):
        return re.fullmatch(r"\S+", item) is not None
    return is_for_cloudformation(item)


def _find_pool(issuer: TemplateValue | None, pools: Sequence[UserPool]) -> UserPool:
    """Return the pool with this issuer, or the only pool."""
    for pool in pools:
        if len(pools) == 1 or issuer in pool.issuers:
            return pool
    raise ConfigurationError(
        "audience is missing: the guard has several pools, and none of them has this issuer. Name the "
        'app clients of its pool: audience=["4b1example"].',
        setting="audience",
    )


def _list_clients(pool: UserPool) -> list[TemplateValue]:
    """Return the values of ``aud`` to accept; an HTTP API compares ``client_id`` if there is no ``aud``."""
    if isinstance(pool.client_ids, AnyClient):
        raise ConfigurationError(
            "A JWT authorizer of an HTTP API must name its clients, and the guard takes ANY_CLIENT: give "
            'audience=["4b1example"].',
            setting="audience",
        )
    return [*sorted(pool.client_ids), *([pool.resource] if pool.resource is not None else [])]
