"""Caching of authorizers' decisions: when it gives one caller, or one route, the answer of another."""

from collections.abc import Iterator

from fastapi_cognito_guard.deploy.drift.deployed import Authorizer, DeployedApi
from fastapi_cognito_guard.deploy.drift.expected import Expected
from fastapi_cognito_guard.deploy.drift.findings import Finding
from fastapi_cognito_guard.deploy.drift.values import Unknown

_ROUTE_KEY = "$context.routekey"
_SHORTEST_LIFE = 300  # seconds: the shortest life of a token that Cognito can be set to
_PREFIXES = ("$request.header.", "method.request.header.", "route.request.header.")


def holds_token(authorizer: Authorizer, header: str) -> bool:
    """Return True if the header of the token is one of the identity sources."""
    names = {source.lower() for source in authorizer.sources if isinstance(source, str)}
    return any(prefix + header.lower() in names for prefix in _PREFIXES)


def check_caching(
    where: str, authorizer: Authorizer, api: DeployedApi, expected: Expected
) -> Iterator[Finding]:
    """Check the key and the lifetime of cached decisions. JWT authorizers have no such cache."""
    if authorizer.kind == "jwt" or authorizer.ttl == 0:
        return
    if authorizer.kind == "lambda":
        for text in _list_shared(authorizer, api, expected):
            yield _judge(where, authorizer, text)
    if isinstance(authorizer.ttl, int) and authorizer.ttl > _SHORTEST_LIFE:
        text = (
            f"Its decisions are cached for {authorizer.ttl} s, and tokens may live only {_SHORTEST_LIFE} s: "
            "the gateway goes on to pass a token that has expired, or was revoked. The app compares exp "
            "again."
        )
        yield Finding("note", "long-cache", where, text)


def _list_shared(authorizer: Authorizer, api: DeployedApi, expected: Expected) -> Iterator[str]:
    """List in which ways requests that differ have one cached decision."""
    names = {source.lower() for source in authorizer.sources if isinstance(source, str)}
    if not holds_token(authorizer, expected.header):
        yield (
            f"the token ({expected.header.title()}) is no identity source, so that one caller's decision is "
            "used for others"
        )
    if api.kind == "http" and authorizer.simple is not False and _ROUTE_KEY not in names:
        yield ("its simple response for one route is used for all: $context.routeKey is no identity source")


def _judge(where: str, authorizer: Authorizer, text: str) -> Finding:
    """Judge a shared decision: a danger if it is certain that decisions are cached by what is known."""
    sources = any(isinstance(source, Unknown) for source in authorizer.sources)
    if isinstance(authorizer.ttl, int) and not sources and not isinstance(authorizer.simple, Unknown):
        advice = "Add it to the identity sources, or set the TTL to 0."
        text = f"Decisions are cached for {authorizer.ttl} s, and {text}. {advice}"
        return Finding("danger", "shared-cache", where, text)
    return Finding("undecided", "unknown", where, f"If decisions are cached is not known here; then, {text}.")
