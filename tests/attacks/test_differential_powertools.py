"""Differential test: the guard and Powertools' verifier, AWS's own for Python, on mutated tokens.

Its tokens have an ``aud``, which Powertools requires. Intended differences have a reason, here or in the test
with aws-jwt-verify. Any other difference fails.
"""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.auth_alpha import JWTVerifier
from aws_lambda_powertools.utilities.auth_alpha.exceptions import AuthError as Refused
from aws_lambda_powertools.utilities.auth_alpha.jwt import verifier as powertools

from fastapi_cognito_guard.errors import AuthError
from tests.apps import NOW, guard_for
from tests.attacks import forge, mutators
from tests.attacks.forge import CLAIMS, POOL
from tests.attacks.test_differential import (
    INTENDED,
    DecodedToken,
    Difference,
    decode_token,
    is_number,
    is_text,
)

pytestmark = pytest.mark.anyio

RESOURCE = "https://orders.example.com"
SECOND_ISSUER = POOL.issuer.replace("cognito-idp", "issuer-cognito-idp")
SKEW = 60


def is_just_expired(token: DecodedToken) -> bool:
    expiry: Any = token.claims.get("exp")
    return is_number(expiry) and NOW - SKEW < expiry <= NOW


OWN = [
    Difference("Powertools accepts a token until 60 s after exp", "token_expired", is_just_expired),
    Difference(
        "Powertools accepts a token from 60 s before nbf",
        "token_not_yet_valid",
        lambda token: is_number(token.claims.get("nbf")) and NOW < token.claims["nbf"] <= NOW + SKEW,
    ),
    Difference(
        "scope must be a string if present: requirements are checked against it",
        "claim_invalid",
        lambda token: token.has("scope") and not is_text(token.claims["scope"]),
    ),
    Difference(
        "Powertools does not know the issuer of replicated pools",
        "",
        lambda token: token.claims.get("iss") == SECOND_ISSUER,
    ),
]
KNOWN = [*OWN, *INTENDED]


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a part of the values in each place, and some random mutations, all with ``aud``.

    Each has a signature of its own: more of them would take seconds.
    """
    claims = {**CLAIMS, "aud": RESOURCE}
    for module in (forge, mutators):
        monkeypatch.setattr(module, "CLAIMS", claims)
    monkeypatch.setattr(mutators, "VALUES", [*mutators.VALUES[::7], SECOND_ISSUER, NOW + SKEW])
    monkeypatch.setattr(mutators, "HEADER_VALUES", mutators.HEADER_VALUES[::4])
    monkeypatch.setattr(mutators, "ROUNDS", 4)
    monkeypatch.setattr(mutators, "GOOD", forge.forge_token(payload=claims))
    return mutators.list_hostile_tokens()


@pytest.fixture
def verifier(monkeypatch: pytest.MonkeyPatch) -> JWTVerifier:
    """Return Powertools' verifier with its own Cognito profile and the clock of the tests."""
    monkeypatch.setattr(powertools, "time", SimpleNamespace(time=lambda: NOW))
    keys: Any = POOL.jwks
    return JWTVerifier.cognito(
        user_pool_id=POOL.id, client_id=POOL.client_id, audience=RESOURCE, jwks=keys, clock_skew_seconds=SKEW
    )


def verify_with_powertools(verifier: JWTVerifier, text: str) -> str:
    """Return the name of the refusal, or an empty string."""
    try:
        verifier.verify(text)
    except Refused as refused:
        return type(refused).__name__
    return ""


async def test_powertools_agrees_but_for_the_intended_differences(
    tokens: list[str], verifier: JWTVerifier
) -> None:
    guard = guard_for(POOL, user_pool={"resource": RESOURCE}, remember=0)
    tally, others = Counter[str](), list[str]()
    for text in tokens:
        code, theirs = "", verify_with_powertools(verifier, text)
        try:
            await guard.verify(text)
        except AuthError as refused:
            code = refused.code
        if bool(code) == bool(theirs):
            tally["both refuse" if code else "both accept"] += 1
            continue
        token = decode_token(text)
        reasons = [known.reason for known in KNOWN if known.code == code and known.applies(token)]
        if reasons:
            tally[reasons[0]] += 1
        else:
            others.append(f"{code or 'accepted'}, {theirs or 'accepted'}: {token.header} {token.raw[:500]!r}")
    assert not others, "\n".join([f"{len(others)} unintended differences:", *others[:20]])
    assert not {known.reason for known in OWN} - tally.keys(), "intended, but never seen"
    assert min(tally["both accept"], tally["both refuse"]) > 50
