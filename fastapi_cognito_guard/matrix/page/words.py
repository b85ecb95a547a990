"""Doors, callers and answers in words."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fastapi_cognito_guard.matrix.answers import CHECK, Answer, Door
from fastapi_cognito_guard.matrix.callers import Caller, CallerKind
from fastapi_cognito_guard.matrix.markdown import format_answer
from fastapi_cognito_guard.matrix.routes import GuardedRoute
from fastapi_cognito_guard.matrix.snapshot import APP, read_access


class DoorWords(NamedTuple):
    """Name of a door, and how a request reaches the app there."""

    name: str
    sentence: str


DOORS: Mapping[Door, DoorWords] = {
    "standalone": DoorWords("Standalone", "Requests reach the app directly. It verifies tokens itself."),
    "rest": DoorWords(
        "REST API",
        "A REST API with an authorizer for user pools is in front. The app decides what that cannot.",
    ),
    "http": DoorWords(
        "HTTP API", "An HTTP API with a JWT authorizer is in front. The app decides what that cannot."
    ),
    "lambda": DoorWords(
        "Lambda authorizer",
        "A REST API with a Lambda authorizer, which verifies tokens, is in front. The app decides the rest.",
    ),
}
NO_WEBSOCKETS = "Such an API has no WebSockets, so those routes are not shown."

MEANINGS: Mapping[str, str] = {
    "token_missing": "the request has no token",
    "claim_invalid": "a claim of the token is missing or has a wrong form",
    "issuer_mismatch": "the token is of another pool than the guard takes",
    "client_mismatch": "the token is of another app client, or for another resource",
    "token_use_mismatch": "an ID token where an access token is due, or the reverse",
    "insufficient_level": "the user has to sign in again, with a higher level or more recently",
    "gateway_claims_missing": "no authorizer has vouched for the caller",
    "insufficient_scope": "the token lacks a scope that the route requires",
    "insufficient_group": "the user is in none of the groups that the route requires",
    "insufficient_claim": "the claim has none of the values that the route requires",
    "delegated_caller": "an actor where the user has to act, or none of those that may act",
    "pool_mismatch": "the caller is of another pool than the route takes",
    "insufficient_permission": "the caller meets none of several alternatives",
    "caller_is_iam": "the request is signed with AWS credentials, and the route requires a user",
    "iam_identity_missing": "the route requires a caller whom a gateway knows by AWS credentials",
}
"""Codes of refusals in words."""

LEGEND: Mapping[str, str] = {
    "yes": "reaches the route's function",
    "401": "refused: no token, or none accepted here",
    "403": "refused: known, but may not",
    "check": "the app's own check decides",
}

_KINDS: Mapping[CallerKind, str] = {
    "user": "A user",
    "machine": "A client that acts for itself",
    "iam": "Signs with AWS credentials",
    "nobody": "Sends no credentials",
}


def describe_answer(answer: Answer) -> str:
    """Return an answer as a sentence."""
    if answer.allowed:
        return "The request reaches the route's function."
    if answer.code == CHECK:
        return "A check of the app's own decides. What it answers is not known here."
    who = "the authorizer of the gateway" if answer.by == "gateway" else "the app"
    meaning = f": {MEANINGS[answer.code]}" if answer.code in MEANINGS else ""
    return f"Refused with {answer.status} by {who}{meaning}."


def describe_word(word: str) -> str:
    """Return what a word in a cell means."""
    return LEGEND.get(word, "refused")


def choose_style(answer: Answer) -> str:
    """Return the CSS class of an answer."""
    word = format_answer(answer)
    return {"yes": "yes", "check": "check", "401": "unknown"}.get(word, "refused")


def describe_route(route: GuardedRoute) -> str:
    """Return who may call a route, in words."""
    access = read_access(route, APP)
    # The guard refuses a bad token also where none is due.
    return f"{access.words}; a token that is sent must be valid" if access.optional else access.words


def describe_caller(caller: Caller) -> str:
    """Return what the tokens of a caller say, as sentences."""
    return " ".join(f"{each}." for each in (_KINDS[caller.kind], *_list_facts(caller)))


def _list_facts(caller: Caller) -> Iterator[str]:
    if caller.kind in ("iam", "nobody"):
        return
    is_user = caller.kind == "user"
    claims = ", ".join(f"{name} = {value}" for name, value in caller.claims.items())
    sent = {None: "the one that gets further", "id": "the ID token", "access": "the access token"}
    facts = {
        "Groups": is_user and (", ".join(caller.groups) or "none"),
        "Scopes": ", ".join(caller.token_scopes) or "none",
        "Claims": claims,
        "Level": caller.level,
        "Signed in": caller.age and f"{caller.age} s ago",
        "Acting for the user": caller.actor,
        "Pool": caller.pool_id,
        "Token sent": is_user and sent[caller.token_use],
    }
    yield from (f"{name}: {fact}" for name, fact in facts.items() if fact)
