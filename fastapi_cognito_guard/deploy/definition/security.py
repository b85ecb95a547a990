"""Access rules of API Gateway's authorizers: the ``security`` of each operation, and its limits."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi_cognito_guard.deploy.definition.arns import TemplateValue
from fastapi_cognito_guard.deploy.definition.options import ApiKind, AuthorizerFor, Fallback, RestAuthorizer
from fastapi_cognito_guard.deploy.operations import Access, Operation
from fastapi_cognito_guard.errors import ConfigurationError

OpenApiDocument = dict[str, Any]
"""An OpenAPI document, or an object in one."""

SecurityRequirements = list[dict[str, list[str]]]
"""Value of an operation's ``security``: names of security schemes, each with its scopes."""

COGNITO_SCHEME = "Cognito"
LAMBDA_SCHEME = "CognitoLambda"
IAM_SCHEME = "sigv4"  # the name in API Gateway's own exports

_MAX_SCOPES = 10  # per route of an HTTP API
_MAX_SCOPE_LENGTH = 64  # StringWithLengthBetween1And64 in the model of HTTP APIs


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRules:
    """Rules by which a gateway decides.

    ``catch_all``       scopes for operations whose route requires none
    ``fallback``        treatment of operations with several lists of scopes, or of groups
    ``authorizer_uri``  URI by which the gateway invokes the Lambda authorizer, if there is one
    ``authorizer_for``  operations of the Lambda authorizer
    ``rest_authorizer`` type of a REST API's own authorizer
    """

    kind: ApiKind
    catch_all: tuple[str, ...]
    fallback: Fallback
    authorizer_uri: TemplateValue | None
    authorizer_for: AuthorizerFor
    rest_authorizer: RestAuthorizer = "cognito"

    @property
    def is_for_user_pools(self) -> bool:
        """True for the authorizer that takes ID tokens without scopes, and access tokens with scopes."""
        return self.kind == "rest" and self.rest_authorizer == "cognito"

    def build_security(self, operation: Operation) -> SecurityRequirements:
        """Return the ``security`` of an operation. An empty list means open; absent, it could be inherited.

        Raises `ConfigurationError` for requirements that the gateway cannot express.
        """
        access = operation.access
        if access.iam:
            _check_single_authorizer(operation)
            return [{IAM_SCHEME: []}]
        if not access.identity:
            return []
        if self.is_for_lambda(access):
            return [{LAMBDA_SCHEME: []}]
        if self.fallback == "refuse":
            _check_single_list(operation, "scope")
            _check_single_list(operation, "group")
        required = access.names_of_kind("scope")
        scopes = required[0] if required else self.catch_all
        if self.kind == "http":
            _check_scope_limits(operation.route if required else "catch_all", scopes)
        return [{COGNITO_SCHEME: list(scopes)}]

    def is_for_lambda(self, access: Access) -> bool:
        """Return True if the Lambda authorizer decides."""
        if self.authorizer_uri is None or access.iam or not access.identity:
            return False
        return self.authorizer_for == "all" or not is_decidable(
            access._replace(requirements=access.decidable)
        )

    def make_access_key(self, access: Access) -> Hashable:
        """Return the part of an `Access` that this gateway can distinguish."""
        if access.iam or not access.identity:
            return access.iam, access.identity
        return access.decidable if self.is_for_lambda(access) else access.names_of_kind("scope")


def is_decidable(access: Access) -> bool:
    """Return True if a gateway's own authorizer can check all requirements: at most one list of scopes."""
    return len(access.requirements) <= len(access.names_of_kind("scope")[:1])


def _check_single_authorizer(operation: Operation) -> None:
    if operation.access.identity:
        raise ConfigurationError(
            f"{operation.route} requires a user of the pool and an IAM caller, and a route of a gateway has "
            "one authorizer: split it into two routes."
        )


def _check_single_list(operation: Operation, kind: str) -> None:
    lists = operation.access.names_of_kind(kind)
    if len(lists) > 1:
        requirements = " and ".join(f"require_{kind}({', '.join(map(repr, names))})" for names in lists)
        raise ConfigurationError(
            f"{operation.route} has {requirements}, and a gateway can check one list, of which any one is "
            'enough. Leave the rest to the app: beyond="app" (the gateway then checks one list of scopes); '
            "or let lambda_authorizer decide: give its ARN as authorizer_arn."
        )


def _check_scope_limits(source: str, scopes: Sequence[str]) -> None:
    if len(scopes) > _MAX_SCOPES:
        raise ConfigurationError(
            f"{source} names {len(scopes)} scopes; an HTTP API's route has at most {_MAX_SCOPES}. "
            'Name fewer, export kind="rest", or let lambda_authorizer decide: authorizer_for="all".'
        )
    for scope in scopes:
        if len(scope) > _MAX_SCOPE_LENGTH:
            raise ConfigurationError(
                f"{source}: the scope {scope!r} has more than the {_MAX_SCOPE_LENGTH} characters that "
                "a route of an HTTP API takes. Choose a shorter identifier for the resource server."
            )
