"""JWT authorizers of HTTP APIs and of REST APIs: their issuers, audiences and additional claims.

The fields of a REST API's are those of AWS's service model (``JwtConfigurationInput``).
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence

from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.deploy.definition.arns import (
    TemplateValue,
    is_for_cloudformation,
    list_in_order,
    substitute,
)
from fastapi_cognito_guard.deploy.definition.options import ExportOptions
from fastapi_cognito_guard.deploy.definition.security import OpenApiDocument
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.pool import ANY_BOUND_CLIENT, AnyClient, UserPool

_MAX_AUDIENCES = 50  # of an HTTP API's authorizer

Audience = TemplateValue | list[TemplateValue]
ListNames = Callable[[UserPool, Semantics], list[str]]


def build_http_jwt_scheme(options: ExportOptions, guard: CognitoGuard, header: str) -> OpenApiDocument:
    """Return the scheme of an HTTP API's authorizer. Raises `ConfigurationError` for a setting."""
    issuer = _find_issuer(options.issuer, guard.pools)
    return {
        "type": "openIdConnect",
        # The gateway takes the issuer from this address.
        "openIdConnectUrl": substitute("%s/.well-known/openid-configuration", issuer),
        "x-amazon-apigateway-authorizer": {
            "type": "jwt",
            "jwtConfiguration": {"audience": _build_audience(options, issuer, guard, _list_names)},
            "identitySource": f"$request.header.{header}",
        },
    }


def build_rest_jwt_scheme(options: ExportOptions, guard: CognitoGuard, header: str) -> OpenApiDocument:
    """Return the scheme of a REST API's JWT authorizer. Raises `ConfigurationError` for a setting."""
    issuers = [_build_issuer(each, options, guard) for each in _list_issuers(options.issuer, guard.pools)]
    return {
        "type": "apiKey",
        "name": header,
        "in": "header",
        "x-amazon-apigateway-authtype": "jwt",
        "x-amazon-apigateway-authorizer": {
            "type": "jwt",
            "identitySource": f"method.request.header.{header}",
            "jwtConfiguration": {"issuers": issuers, "defaultAlgorithms": ["RS256"]},
        },
    }


def list_token_uses(pool: UserPool, semantics: Semantics) -> Collection[str]:
    """Return the types of token that the app takes of a pool on some route."""
    return pool.token_use if semantics == "strict" else ("access", "id")


def list_unknown_audiences(
    options: ExportOptions, pools: Sequence[UserPool], semantics: Semantics
) -> list[str]:
    """Return the texts of ``audience`` that no token for the app has: no client and no resource of the pools.

    The list is empty if that cannot be judged: with `ANY_CLIENT`, and if CloudFormation fills in the issuer.
    """
    given = options.audience
    items = [] if given is None or isinstance(given, str | Mapping) else list_in_order(given)
    if any(isinstance(pool.client_ids, AnyClient) for pool in pools):
        return []
    if any(map(is_for_cloudformation, _make_list(options.issuer))):
        return []
    known = {name for pool in pools for name in _list_possible_names(pool, options, semantics)}
    return [item for item in items if not is_for_cloudformation(item) and item not in known]


def _find_issuer(issuer: object, pools: Sequence[UserPool]) -> TemplateValue:
    if issuer is None and len(pools) > 1:
        raise ConfigurationError(
            "A JWT authorizer of an HTTP API has one issuer, and the guard has several pools: choose the "
            "issuer of one, issuer=..., or let lambda_authorizer decide on all: authorizer_arn=... and "
            'authorizer_for="all".',
            setting="issuer",
        )
    return _check_issuer(pools[0].issuers[0] if issuer is None else issuer, pools)


def _list_issuers(given: object, pools: Sequence[UserPool]) -> list[TemplateValue]:
    if given is None:
        given = [pool.issuers[0] for pool in pools]
    issuers = [_check_issuer(each, pools) for each in _make_list(given)]
    if any(issuer in issuers[:index] for index, issuer in enumerate(issuers)):
        raise ConfigurationError("issuer names one issuer twice: name each once.", setting="issuer")
    return issuers


def _make_list(given: object) -> list[object]:
    if isinstance(given, Collection) and not isinstance(given, str | Mapping) and given:
        return list_in_order(given)
    return [given]


def _check_issuer(issuer: object, pools: Sequence[UserPool]) -> TemplateValue:
    if isinstance(issuer, str | Mapping) and is_for_cloudformation(issuer):
        return issuer
    if not isinstance(issuer, str) or not _is_https(issuer):
        raise ConfigurationError(
            "issuer is an https address, https://cognito-idp.REGION.amazonaws.com/POOL_ID, or for "
            'CloudFormation "https://cognito-idp.${AWS::Region}.amazonaws.com/${UserPool}".',
            setting="issuer",
        )
    known = [each for pool in pools for each in pool.issuers]
    if issuer not in known:
        raise ConfigurationError(
            f"issuer is {issuer!r}, which is in no token that the guard takes: the gateway compares each "
            f"letter. Write one of {', '.join(known)}.",
            setting="issuer",
        )
    return issuer


def _is_https(address: str) -> bool:
    return re.fullmatch(r"https://[^\s/?#]+(?:/[^\s?#]*)?", address) is not None


def _build_issuer(issuer: TemplateValue, options: ExportOptions, guard: CognitoGuard) -> OpenApiDocument:
    """Return one trusted issuer of a REST API's authorizer."""
    pool = _find_pool(issuer, guard.pools)
    claims = (
        {} if pool is None else _list_additional_claims(_list_uses_of(pool, guard), options, guard.semantics)
    )
    additional = [
        {"claimName": name, "format": "SINGLE_STRING", "required": True, "expectedValues": [value]}
        for name, value in claims.items()
    ]
    return {
        "issuer": substitute("%s", issuer),
        "audiences": _build_audience(options, issuer, guard, _list_rest_audiences),
        **({"additionalClaims": additional} if additional else {}),
    }


def _list_uses_of(pool: UserPool, guard: CognitoGuard) -> list[UserPool]:
    """Return the settings with which the app takes tokens of a pool: its own, and those of its mounts."""
    mounts = [each for bound in guard.bound for each in bound.pools if each.id == pool.id]
    return [pool, *mounts]


def _list_additional_claims(
    pools: Sequence[UserPool], options: ExportOptions, semantics: Semantics
) -> dict[str, str]:
    """Return the claims to compare besides ``aud``: those of which the app takes one value only."""
    uses = {use for pool in pools for use in list_token_uses(pool, semantics)}
    claims = {"token_use": next(iter(uses))} if len(uses) == 1 else {}
    clients: set[str] = set()
    for pool in pools:
        if isinstance(pool.client_ids, AnyClient):
            return claims
        clients |= set(pool.client_ids)
    if claims.get("token_use") == "access" and options.audience is None and len(clients) == 1:
        claims["client_id"] = next(iter(clients))
    return claims


def _build_audience(
    options: ExportOptions, issuer: TemplateValue, guard: CognitoGuard, list_names: ListNames
) -> Audience:
    audience, pool = options.audience, _find_pool(issuer, guard.pools)
    if audience is None and pool is None:
        raise ConfigurationError(
            "audience is missing: the guard has several pools, and none of them has this issuer. Name the "
            'app clients of its pool: audience=["4b1example"].',
            setting="audience",
        )
    if audience is None and pool is not None:
        # Resources of mounts, too: one authorizer has to let tokens for each of them through to the app.
        resources = [each.resource for each in _list_uses_of(pool, guard)[1:]]
        return list(dict.fromkeys([*list_names(pool, guard.semantics), *filter(None, resources)]))
    if isinstance(audience, Mapping) and is_for_cloudformation(audience):
        return dict(audience)
    items = [] if isinstance(audience, str | Mapping) or not isinstance(audience, Collection) else audience
    if not 0 < len(items) <= _MAX_AUDIENCES or not all(map(_is_audience, items)):
        raise ConfigurationError(
            f'audience lists 1 to {_MAX_AUDIENCES} app clients, or resources: audience=["4b1example"]. For '
            'CloudFormation also audience=["${Client}"], or a function that gives all: {"Ref": "ClientIds"}.',
            setting="audience",
        )
    _check_audience(options, guard.pools if pool is None else [pool], guard.semantics)
    return [substitute("%s", item) for item in list_in_order(items)]


def _check_audience(options: ExportOptions, pools: Sequence[UserPool], semantics: Semantics) -> None:
    unknown = list_unknown_audiences(options, pools, semantics)
    if unknown and len(unknown) == len(options.audience or ()):
        possible = [name for pool in pools for name in _list_possible_names(pool, options, semantics)]
        names = ", ".join(dict.fromkeys(possible))
        raise ConfigurationError(
            "audience names no app client and no resource of the guard, so that no token passes both the "
            f"gateway and the app. Name one of {names}.",
            setting="audience",
        )


def _is_audience(item: object) -> bool:
    if isinstance(item, str):
        return re.fullmatch(r"\S+", item) is not None
    return is_for_cloudformation(item)


def _find_pool(issuer: TemplateValue, pools: Sequence[UserPool]) -> UserPool | None:
    """Return the pool with this issuer, or the only pool."""
    return next((pool for pool in pools if len(pools) == 1 or issuer in pool.issuers), None)


def _list_names(pool: UserPool, semantics: Semantics) -> list[str]:
    """Return the values of ``aud`` to accept; an HTTP API compares ``client_id`` if there is no ``aud``."""
    if pool.client_ids is ANY_BOUND_CLIENT and pool.resource is not None:
        return [pool.resource]
    if isinstance(pool.client_ids, AnyClient):
        raise ConfigurationError(
            "A JWT authorizer must name its clients, and the guard takes ANY_CLIENT: give "
            'audience=["4b1example"].',
            setting="audience",
        )
    return [*sorted(pool.client_ids), *([pool.resource] if pool.resource is not None else [])]


def _list_possible_names(pool: UserPool, options: ExportOptions, semantics: Semantics) -> list[str]:
    """Return the values of ``audience`` that may match. Access tokens with ``aud`` name the resource only."""
    is_bound = options.rest_authorizer == "jwt" and pool.resource is not None
    return (_list_rest_audiences if is_bound else _list_names)(pool, semantics)


def _list_rest_audiences(pool: UserPool, semantics: Semantics) -> list[str]:
    """Return the values of ``aud`` to accept: clients in ID tokens, the resource in access tokens."""
    if "id" in list_token_uses(pool, semantics):
        return _list_names(pool, semantics)
    if pool.resource is None:
        raise ConfigurationError(
            "A REST API's JWT authorizer compares aud, which access tokens have only with resource binding: "
            'write UserPool(..., resource="https://api.example.com"), take ID tokens (token_use), or export '
            'with rest_authorizer="cognito".',
            setting="rest_authorizer",
        )
    return [pool.resource]
