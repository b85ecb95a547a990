"""Who may call an operation, as far as a gateway's own authorizers can decide it."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fastapi_cognito_guard.deploy.definition.arns import Value
from fastapi_cognito_guard.deploy.operations import Access, Operation
from fastapi_cognito_guard.errors import ConfigurationError

Kind = Literal["rest", "http"]
Beyond = Literal["refuse", "app"]
AuthorizerFor = Literal["beyond", "all"]
Document = dict[str, Any]

OURS = "Cognito"
LAMBDA = "CognitoLambda"
IAM = "sigv4"  # as API Gateway's own exports call it

_MOST_SCOPES = 10  # of a route of an HTTP API
_LONGEST_SCOPE = 64  # its model, StringWithLengthBetween1And64


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """The rules of one kind of gateway.

    ``catch_all``      scopes for operations that ask for none
    ``beyond``         what of operations that ask for more than one list of scopes, or of groups
    ``authorizer``     where the Lambda authorizer is invoked, if there is one
    ``authorizer_for`` what it decides: what is beyond the gateway's own authorizer, or all
    """

    kind: Kind
    catch_all: tuple[str, ...]
    beyond: Beyond
    authorizer: Value | None
    authorizer_for: AuthorizerFor

    def of(self, operation: Operation) -> list[dict[str, list[str]]]:
        """An operation's ``security``: never left out, because what is left out may be inherited.

        Raises `ConfigurationError` for what the gateway cannot say.
        """
        ask = operation.access
        if ask.iam:
            _check_one_authorizer(operation)
            return [{IAM: []}]
        if not ask.identity:
            return []
        if self.is_for_authorizer(ask):
            return [{LAMBDA: []}]
        if self.beyond == "refuse":
            _check_any_of(operation, "scope")
            _check_any_of(operation, "group")
        scopes = next(iter(ask.names_of_kind("scope")), self.catch_all)
        if self.kind == "http":
            _check_scopes(operation.route if ask.names_of_kind("scope") else "catch_all", scopes)
        return [{OURS: list(scopes)}]

    def is_for_authorizer(self, ask: Access) -> bool:
        """Whether the Lambda authorizer decides it."""
        if self.authorizer is None or ask.iam or not ask.identity:
            return False
        return self.authorizer_for == "all" or is_beyond(ask)

    def alike(self, ask: Access) -> Hashable:
        """What of an `Access` this gateway tells apart."""
        if ask.iam or not ask.identity:
            return ask.iam, ask.identity
        return ask.requirements if self.is_for_authorizer(ask) else ask.names_of_kind("scope")


def is_beyond(ask: Access) -> bool:
    """Whether it asks for more than one list of scopes, all that a gateway's own authorizer decides."""
    return len(ask.requirements) > len(ask.names_of_kind("scope")[:1])


def _check_one_authorizer(operation: Operation) -> None:
    if operation.access.identity:
        raise ConfigurationError(
            f"{operation.route} asks for a user of the pool and for an IAM caller, and a route of a gateway "
            "has one authorizer: make two routes of it."
        )


def _check_any_of(operation: Operation, kind: str) -> None:
    lists = operation.access.names_of_kind(kind)
    if len(lists) > 1:
        wanted = " and ".join(f"require_{kind}({', '.join(map(repr, names))})" for names in lists)
        raise ConfigurationError(
            f"{operation.route} asks for {wanted}, and a gateway knows one list, of which any one is enough. "
            'Let the app alone decide it: beyond="app" (the gateway then asks for one list of scopes); '
            "or let lambda_authorizer decide it: give its ARN as authorizer_arn."
        )


def _check_scopes(named_by: str, scopes: Sequence[str]) -> None:
    if len(scopes) > _MOST_SCOPES:
        raise ConfigurationError(
            f"{named_by} names {len(scopes)} scopes; an HTTP API's route has at most {_MOST_SCOPES}. "
            'Name fewer, export kind="rest", or let lambda_authorizer decide: authorizer_for="all".'
        )
    for scope in scopes:
        if len(scope) > _LONGEST_SCOPE:
            raise ConfigurationError(
                f"{named_by}: the scope {scope!r} has more than the {_LONGEST_SCOPE} characters that "
                "a route of an HTTP API takes. Choose a shorter identifier for the resource server."
            )
