"""Comparison of one route: what the gateway lets through, and what the app requires there."""

from collections.abc import Iterator
from typing import NamedTuple

from fastapi_cognito_guard.deploy.drift.deployed import (
    Authorizer,
    DeployedApi,
    DeployedRoute,
    find_shape,
)
from fastapi_cognito_guard.deploy.drift.expected import Expected
from fastapi_cognito_guard.deploy.drift.findings import Finding
from fastapi_cognito_guard.deploy.drift.scopes import Difference, check_scopes, check_token_type
from fastapi_cognito_guard.deploy.drift.values import Unknown
from fastapi_cognito_guard.deploy.operations import Access
from fastapi_cognito_guard.deploy.paths import GatewayPath, format_path

_KINDS = {"cognito": "a Cognito authorizer", "jwt": "a JWT authorizer", "iam": "IAM"}


class Place(NamedTuple):
    """A path and a method, the route of the gateway that takes them, and what the app requires there."""

    path: GatewayPath
    method: str
    route: DeployedRoute
    access: Access

    def __str__(self) -> str:
        return f"{self.method} {format_path(self.path)}"


def check_route(place: Place, api: DeployedApi, expected: Expected) -> Iterator[Finding]:
    """Compare a route of the gateway with what the app requires of its requests."""
    for each in _list_differences(place, api, expected):
        if each.code == "left-to-app":
            yield Finding(*each[:2], str(place.route), each.text)
            continue
        taken = "" if place.route.shape == find_shape(place.path) else f"{place.route} takes it. "
        yield Finding(each.level, each.code, str(place), taken + each.text)


def _list_differences(place: Place, api: DeployedApi, expected: Expected) -> Iterator[Difference]:
    authorizer, access = place.route.authorizer, place.access
    if authorizer is not None and authorizer.kind == "unknown":
        yield Difference("undecided", "unknown", f"{authorizer.reason[:1].upper()}{authorizer.reason[1:]}.")
    elif authorizer is None:
        yield from _check_open(place, api, expected)
    elif not access.identity and not access.iam:
        yield _describe_closed(place, authorizer)
    elif access.iam or authorizer.kind == "iam":
        yield from _check_iam(place, authorizer, expected)
    elif authorizer.kind == "lambda":
        yield from _check_lambda(authorizer, expected)
    else:
        yield from check_scopes(access, place.route, expected.options.catch_all)
        yield from check_token_type(access, place.route, expected)
    if authorizer is not None:
        yield from _check_api_key(place.route)


def _check_open(place: Place, api: DeployedApi, expected: Expected) -> Iterator[Difference]:
    """Check a route without an authorizer. An API key is none: it names no caller."""
    access, key = place.access, place.route.api_key
    if isinstance(key, Unknown):
        yield Difference("undecided", "unknown", "If callers need an API key is not known here.")
    if access.identity or access.iam:
        yield _describe_open(place, api, expected)
    elif key is True:
        yield Difference(
            "warning",
            "api-key",
            "The gateway requires an API key, and the app nothing. Remove it at the gateway, or leave the "
            "route out with --leave-out.",
        )


def _describe_open(place: Place, api: DeployedApi, expected: Expected) -> Difference:
    """Describe a route that is closed in the app only. docs/drift.md has the reasons for each level."""
    who = (
        "everybody with an API key, which proves no identity," if place.route.api_key is True else "everybody"
    )
    start = f"The gateway lets {who} pass, and the app requires {describe_access(place.access)}."
    if place.access.iam or expected.guard.gateway == "require":
        only = (
            "callers whom IAM has checked" if place.access.iam else 'claims of a gateway (gateway="require")'
        )
        text = f"{start} The app takes only {only}, so that it refuses everybody: attach the authorizer."
        return Difference("danger", "open-route", text)
    if not api.has_authorizers or expected.is_left_to_app(place.path):
        return Difference("note", "left-to-app", "It is open, and the app verifies the tokens itself.")
    text = (
        f"{start} The app still verifies the token, and is the last to do so: attach the authorizer; or, if "
        "this is meant, name the path with --left-to-app."
    )
    return Difference("danger", "open-route", text)


def _describe_closed(place: Place, authorizer: Authorizer) -> Difference:
    what = "a token is optional there" if place.access.optional else "requires nothing"
    subject = "for the app" if place.access.optional else "the app"
    return Difference(
        "warning",
        "closed-route",
        f"The gateway requires {_KINDS.get(authorizer.kind, 'a Lambda authorizer')}, and {subject} {what}: "
        "callers without a token do not reach it. Remove the authorizer, or guard the route in the app.",
    )


def _check_iam(place: Place, authorizer: Authorizer, expected: Expected) -> Iterator[Difference]:
    if place.access.iam and authorizer.kind == "iam":
        return
    if authorizer.kind == "lambda":
        yield from _check_lambda(authorizer, expected)
        return
    yield Difference(
        "warning",
        "other-authorizer",
        f"The gateway requires {_KINDS[authorizer.kind]}, and the app requires "
        f"{describe_access(place.access)}: nobody passes both. Attach the authorizer that the app requires.",
    )


def _check_lambda(authorizer: Authorizer, expected: Expected) -> Iterator[Difference]:
    if any(names_function(authorizer, arn) for arn in expected.options.authorizer_arns):
        return
    yield Difference(
        "undecided",
        "lambda-authorizer",
        f"The Lambda authorizer {authorizer.name} decides, and what it does is not known here. If its "
        "function has lambda_authorizer of this app, give its ARN with --authorizer-arn.",
    )


def names_function(authorizer: Authorizer, arn: str) -> bool:
    """Return True if an authorizer invokes the function with this ARN, or the ``${Name.Arn}`` of it."""
    uri = str(authorizer.function)
    return uri == arn or uri.endswith(f"/functions/{arn}/invocations")


def _check_api_key(route: DeployedRoute) -> Iterator[Difference]:
    if route.api_key is True:
        yield Difference("note", "api-key", "Callers also need an API key, of which the app does not know.")
    elif isinstance(route.api_key, Unknown):
        yield Difference("undecided", "unknown", "If callers also need an API key is not known here.")


def describe_access(access: Access) -> str:
    """Return in words what a route requires."""
    if access.iam:
        return "a caller who signs with AWS credentials"
    labels = sorted(each.label for each in access.requirements)
    return f"a valid token with {' and '.join(labels)}" if labels else "a valid token"
