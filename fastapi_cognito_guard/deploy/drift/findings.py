"""Findings of a comparison: differences between a deployed gateway and its app, by their weight."""

from typing import Literal, NamedTuple, get_args

Level = Literal["danger", "warning", "undecided", "note"]
"""Weight of a finding.

``danger``     the gateway lets more through than the app's definition would
``warning``    callers whom the app takes are refused, or do not reach it
``undecided``  the document does not say it
``note``       a difference that changes nothing, or one that is meant
"""

Code = Literal[
    "open-route",
    "wider-scopes",
    "other-pool",
    "other-issuer",
    "other-audience",
    "shared-cache",
    "closed-route",
    "missing-route",
    "extra-route",
    "narrower-scopes",
    "token-type",
    "missing-pool",
    "missing-audience",
    "narrower-claims",
    "other-authorizer",
    "identity-source",
    "api-key",
    "preflight",
    "cors",
    "lambda-authorizer",
    "unknown",
    "gap",
    "left-to-app",
    "long-cache",
]


class Finding(NamedTuple):
    """One difference. ``where``: the route, or the authorizer, or the API as a whole."""

    level: Level
    code: Code
    where: str
    text: str


def sort_findings(findings: list[Finding]) -> list[Finding]:
    """Return the findings without repetitions, dangers first."""
    order = get_args(Level)
    return sorted(dict.fromkeys(findings), key=lambda each: order.index(each.level))
