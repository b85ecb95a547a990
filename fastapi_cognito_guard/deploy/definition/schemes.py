"""The authorizers of a gateway, as an OpenAPI document declares them."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from fastapi_cognito_guard.deploy.definition import arns
from fastapi_cognito_guard.deploy.definition.arns import Value
from fastapi_cognito_guard.deploy.definition.security import IAM, LAMBDA, OURS, Document, Kind, Security
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.pool import AnyClient, UserPool

_MOST_AUDIENCES = 50  # of an HTTP API's authorizer
_SIGV4 = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "x-amazon-apigateway-authtype": "awsSigv4",
}
_TTL = 300  # seconds that a Lambda authorizer's answer is kept; a REST API's default


class Given(Protocol):
    """What the caller of `export` says of the pool, beyond the guard or instead of it."""

    @property
    def user_pool_arn(self) -> Value | Sequence[Value] | None: ...

    @property
    def issuer(self) -> Value | None: ...

    @property
    def audience(self) -> Value | Collection[Value] | None: ...


def schemes(needed: Collection[str], rules: Security, guard: CognitoGuard, given: Given) -> Document:
    """The security schemes that operations name. Raises `ConfigurationError` for a setting that is due."""
    header = guard.header.decode("ascii").title()  # the guard keeps the name in lower case
    pools = _pools(given.user_pool_arn, guard)
    said: Document = {}
    if OURS in needed and rules.kind == "rest":
        if not pools:
            raise ConfigurationError(
                "user_pool_arn is missing: a REST API's authorizer names the pool by its ARN, "
                'arn:aws:cognito-idp:REGION:ACCOUNT:userpool/POOL_ID, for CloudFormation "${UserPool.Arn}".',
                setting="user_pool_arn",
            )
        said[OURS] = _cognito(pools, header)
    elif OURS in needed:
        said[OURS] = _jwt(_issuer(given.issuer, guard.pools), _audience(given, guard.pools), header)
    if LAMBDA in needed and rules.authorizer is not None:
        said[LAMBDA] = _lambda(rules.kind, rules.authorizer, header)
    if IAM in needed:
        said[IAM] = dict(_SIGV4)
    return said


def _cognito(pools: Sequence[Value], header: str) -> Document:
    return {
        "type": "apiKey",
        "name": header,
        "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": {"type": "cognito_user_pools", "providerARNs": list(pools)},
    }


def _jwt(issuer: Value, audience: Value | list[Value], header: str) -> Document:
    """The gateway finds the issuer by this address."""
    return {
        "type": "openIdConnect",
        "openIdConnectUrl": arns.substituted("%s/.well-known/openid-configuration", issuer),
        "x-amazon-apigateway-authorizer": {
            "type": "jwt",
            "jwtConfiguration": {"audience": audience},
            "identitySource": f"$request.header.{header}",
        },
    }


def _lambda(kind: Kind, authorizer: Value, header: str) -> Document:
    """An authorizer whose policies are kept for a while, which `lambda_authorizer` writes them for."""
    said: Document = {"authorizerUri": authorizer, "authorizerResultTtlInSeconds": _TTL}
    if kind == "rest":
        said = {"type": "token", **said}
    else:
        said = {
            "type": "request",
            **said,
            "identitySource": f"$request.header.{header}",
            "authorizerPayloadFormatVersion": "2.0",
            "enableSimpleResponses": False,
        }
    return {
        "type": "apiKey",
        "name": header,
        "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": said,
    }


def _pools(given: object, guard: CognitoGuard) -> list[Value]:
    """The pools' ARNs. Those that can be read must be of the guard's pools."""
    if given is None:
        return []
    listed = [given] if isinstance(given, str | Mapping) or not isinstance(given, Sequence) else given
    pools = [arns.user_pool("user_pool_arn", arn) for arn in listed]
    known = {pool.id for pool in guard.pools}
    for arn in pools:
        if arns.pool_id(arn) not in {None, *known}:
            raise ConfigurationError(
                f"user_pool_arn names the pool {arns.pool_id(arn)}, and the guard trusts "
                f"{', '.join(sorted(known))}: the gateway would let in whom the app refuses.",
                setting="user_pool_arn",
            )
    return pools


def _issuer(given: object, pools: Sequence[UserPool]) -> Value:
    if given is None and len(pools) > 1:
        raise ConfigurationError(
            "A JWT authorizer of an HTTP API has one issuer, and the guard several pools. Name the one that "
            "it is to take, issuer=..., or let lambda_authorizer decide on all: authorizer_arn=... and "
            'authorizer_for="all".',
            setting="issuer",
        )
    issuer = pools[0].issuers[0] if given is None else given
    if isinstance(issuer, str | Mapping) and (_is_https(issuer) or arns.is_for_cloudformation(issuer)):
        return issuer
    raise ConfigurationError(
        "issuer is an https address, https://cognito-idp.REGION.amazonaws.com/POOL_ID, or for CloudFormation "
        '"https://cognito-idp.${AWS::Region}.amazonaws.com/${UserPool}".',
        setting="issuer",
    )


def _is_https(address: object) -> bool:
    return isinstance(address, str) and re.fullmatch(r"https://[^\s/?#]+(?:/[^\s?#]*)?", address) is not None


def _audience(given: Given, pools: Sequence[UserPool]) -> Value | list[Value]:
    audience = given.audience
    if audience is None:
        return _audience_of(_pool_of(given.issuer, pools))
    if isinstance(audience, Mapping) and arns.is_for_cloudformation(audience):
        return dict(audience)
    listed = [] if isinstance(audience, str | Mapping) or not isinstance(audience, Collection) else audience
    if not 0 < len(listed) <= _MOST_AUDIENCES or not all(map(_is_client, listed)):
        raise ConfigurationError(
            f'audience lists 1 to {_MOST_AUDIENCES} app clients, or resources: audience=["4b1example"]. For '
            'CloudFormation also audience=["${Client}"], or a function that gives all: {"Ref": "ClientIds"}.',
            setting="audience",
        )
    return [arns.substituted("%s", item) for item in arns.in_order(listed)]


def _is_client(item: object) -> bool:
    if isinstance(item, str):
        return re.fullmatch(r"\S+", item) is not None
    return arns.is_for_cloudformation(item)


def _pool_of(issuer: Value | None, pools: Sequence[UserPool]) -> UserPool:
    """The pool whose clients are due."""
    for pool in pools:
        if len(pools) == 1 or issuer in pool.issuers:
            return pool
    raise ConfigurationError(
        "audience is missing: the guard has several pools, and none of them has this issuer. Name the "
        'clients of the one that it is: audience=["4b1example"].',
        setting="audience",
    )


def _audience_of(pool: UserPool) -> list[Value]:
    """What an HTTP API compares ``aud`` with, or without one ``client_id``."""
    if isinstance(pool.client_ids, AnyClient):
        raise ConfigurationError(
            "A JWT authorizer of an HTTP API must name its clients, and the guard takes ANY_CLIENT: give "
            'audience=["4b1example"].',
            setting="audience",
        )
    return [*sorted(pool.client_ids), *([pool.resource] if pool.resource is not None else [])]
