"""Authorizers, read from the fields that all formats share, whatever their spelling."""

from collections.abc import Mapping
from typing import Any

from fastapi_cognito_guard.deploy.definition.options import ApiKind
from fastapi_cognito_guard.deploy.drift.deployed import Authorizer, AuthorizerKind, TrustedIssuer
from fastapi_cognito_guard.deploy.drift.values import (
    Unknown,
    Value,
    describe,
    is_true,
    read_list,
    read_mapping,
    read_seconds,
    read_value,
    read_values,
    simplify_names,
)

IAM = Authorizer(name="IAM", kind="iam")

_KINDS: Mapping[str, AuthorizerKind] = {
    "cognito_user_pools": "cognito",
    "jwt": "jwt",
    "token": "lambda",
    "request": "lambda",
    "custom": "lambda",
    "aws_iam": "iam",
    "awssigv4": "iam",
}
_REST_TTL = 300  # seconds: the default of a REST API
_DISCOVERY = "/.well-known/openid-configuration"


def make_unknown(name: str, reason: str) -> Authorizer:
    """Return an authorizer of which the document does not say what it is."""
    return Authorizer(name=name, kind="unknown", reason=reason)


def find_kind(text: object) -> AuthorizerKind | None:
    """Return the kind that AWS writes as this text, in a route or in an authorizer; None for another text."""
    return _KINDS.get(text.lower()) if isinstance(text, str) else None


def read_authorizer(name: str, given: object, api: ApiKind) -> Authorizer:
    """Read an authorizer from an OpenAPI extension, a CloudFormation or a Terraform resource."""
    fields = simplify_names(given)
    kind = find_kind(fields.get("type", fields.get("authorizertype")))
    if kind is None:
        return make_unknown(name, f"the type of the authorizer {name} is not known here")
    ttl = read_seconds(fields.get("authorizerresultttlinseconds"))
    return Authorizer(
        name=name,
        kind=kind,
        pools=read_values(fields.get("providerarns")) or () if kind == "cognito" else (),
        issuers=_read_issuers(fields) if kind == "jwt" else (),
        function=read_function(fields.get("authorizeruri")) if kind == "lambda" else None,
        sources=_read_sources(fields),
        ttl=_REST_TTL if ttl is None and api == "rest" else ttl,
        simple=is_true(fields.get("enablesimpleresponses")),
    )


def read_function(value: object) -> Value | None:
    """Return the ARN or URI of a function. Of CloudFormation's functions the name in them is kept."""
    match dict(read_mapping(value)):
        case {"Fn::Sub": str(inner)}:
            return Unknown(inner)
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return Unknown(f"${{{name}.Arn}}")
    return Unknown(value) if isinstance(value, str) and "${" in value else read_value(value)


def _read_sources(fields: Mapping[str, Any]) -> tuple[Value, ...]:
    given = fields.get("identitysource", fields.get("identitysources"))
    found: list[Value] = []
    for each in read_values(given) or ():
        if isinstance(each, Unknown):
            found.append(each)
        else:
            found += [part.strip() for part in each.split(",") if part.strip()]
    return tuple(found)


def _read_issuers(fields: Mapping[str, Any]) -> tuple[TrustedIssuer, ...]:
    """Read the issuers of a REST API's JWT authorizer, or the one of an HTTP API's."""
    given = fields.get("jwtconfiguration")
    if isinstance(given, list):  # a block of Terraform
        given = given[0] if given else None
    jwt = simplify_names(given)
    if "issuers" in jwt:
        listed = jwt["issuers"] if isinstance(jwt["issuers"], list) else [jwt["issuers"]]
        return tuple(_read_rest_issuer(each) for each in listed)
    issuer = read_value(jwt.get("issuer", fields.get("openidconnecturl")))
    if isinstance(issuer, str):
        issuer = issuer.removesuffix(_DISCOVERY)
    if given is not None and not isinstance(given, Mapping):
        return (TrustedIssuer(Unknown(describe(given)), (Unknown(describe(given)),)),)
    return (TrustedIssuer(issuer or Unknown("no issuer"), read_values(jwt.get("audience"))),)


def _read_rest_issuer(given: object) -> TrustedIssuer:
    fields = simplify_names(given)
    claims = [simplify_names(each) for each in read_list(fields.get("additionalclaims"))]
    return TrustedIssuer(
        read_value(fields.get("issuer")) or Unknown("no issuer"),
        read_values(fields.get("audiences")),
        tuple(
            (describe(each.get("claimname")), read_values(each.get("expectedvalues")) or ())
            for each in claims
        ),
    )
