"""Differential test: the guard and aws-jwt-verify, AWS's own verifier for Node, on mutated tokens.

Intended differences are listed below with their reasons. Any other difference fails the test. It needs node,
and aws-jwt-verify 5.2.1 in ``$AWS_JWT_VERIFY/node_modules``: scripts/foreign installs it. Nothing is
fetched here.
"""

import json
import os
import shutil
import subprocess
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fastapi_cognito_guard.errors import AuthError
from tests.apps import NOW, guard_for
from tests.attacks.forge import POOL, b64
from tests.attacks.mutators import list_hostile_tokens

pytestmark = pytest.mark.anyio

DIRECTORY = os.environ.get("AWS_JWT_VERIFY", "")
NODE = shutil.which("node")
VERSION = "5.2.1"


def find_reason_to_skip() -> str:
    """Return why the test cannot run here, or an empty string if it can."""
    if NODE is None:
        return "node is not installed"
    if not DIRECTORY:
        return "AWS_JWT_VERIFY does not name a directory with node_modules/aws-jwt-verify"
    manifest = Path(DIRECTORY, "node_modules", "aws-jwt-verify", "package.json")
    if not manifest.is_file():
        return "aws-jwt-verify is not in $AWS_JWT_VERIFY/node_modules"
    version = json.loads(manifest.read_text())["version"]
    return "" if version == VERSION else f"aws-jwt-verify is {version}, not {VERSION}"


# --- a token as a lenient reader decodes it


class DecodedToken(NamedTuple):
    """Token, decoded without any check. ``raw`` is the JSON text of its claims."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]
    raw: str

    def has(self, name: str) -> bool:
        return name in self.claims


def decode_leniently(text: str) -> bytes:
    """Decode base64url as Node does: ignore padding and an excess character."""
    letters = text.rstrip("=")
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    return urlsafe_b64decode(letters + "=" * (-len(letters) % 4))


def parse_leniently(text: str) -> tuple[dict[str, Any], str]:
    raw = decode_leniently(text).decode("utf-8", "replace")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}, raw
    return (value if isinstance(value, dict) else {}), raw


def decode_token(text: str) -> DecodedToken:
    if text.count(".") != 2:
        return DecodedToken(text, {}, {}, "")
    head, body, _ = text.split(".")
    claims, raw = parse_leniently(body)
    return DecodedToken(text, parse_leniently(head)[0], claims, raw)


def is_canonical(text: str) -> bool:
    return b64(decode_leniently(text)) == text


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -(2**53) < value < 2**53


def is_text(value: object) -> bool:
    """Return True for a string without lone surrogates."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def is_json(value: object) -> bool:
    """Return True if the value can be written as JSON in UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except ValueError:
        return False
    return True


def is_nonempty_text(value: object) -> bool:
    return is_text(value) and value != ""


def is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(map(is_text, value))


def has_duplicate_name(raw: str) -> bool:
    duplicates: list[bool] = []

    def record(members: list[tuple[str, Any]]) -> dict[str, Any]:
        duplicates.append(len(dict(members)) != len(members))
        return dict(members)

    try:
        json.loads(raw, object_pairs_hook=record)
    except (ValueError, RecursionError):
        return False
    return any(duplicates)


def measure_depth(raw: str) -> int:
    """Return how deep brackets are nested. No token under test has brackets inside its strings."""
    depth = deepest = 0
    for letter in raw:
        depth += (letter in "[{") - (letter in "]}")
        deepest = max(deepest, depth)
    return deepest


# --- intended differences: the guard refuses, with this code, what aws-jwt-verify accepts


class Difference(NamedTuple):
    """Reason to refuse, with its error code, and the tokens that it applies to."""

    reason: str
    code: str
    applies: Callable[[DecodedToken], bool]


INTENDED = [
    Difference(
        "exp is required: Cognito always sets it",
        "claim_invalid",
        lambda token: not token.has("exp"),
    ),
    Difference(
        "a token is expired from the second of exp on (RFC 7519 4.1.4)",
        "token_expired",
        lambda token: token.claims.get("exp") == NOW,
    ),
    Difference(
        "iat may be 10 s in the future, and no more",
        "token_not_yet_valid",
        lambda token: is_number(token.claims.get("iat")) and token.claims["iat"] > NOW + 10,
    ),
    Difference(
        "times must be below 2^53, where floats are exact",
        "claim_invalid",
        lambda token: any(
            token.has(name) and not is_number(token.claims[name]) for name in ("exp", "nbf", "iat")
        ),
    ),
    Difference(
        "auth_time must be a number if present",
        "claim_invalid",
        lambda token: token.has("auth_time") and not is_number(token.claims["auth_time"]),
    ),
    Difference(
        "sub is required: it identifies the caller",
        "claim_invalid",
        lambda token: not is_nonempty_text(token.claims.get("sub")),
    ),
    Difference(
        "jti must be a non-empty string if present",
        "claim_invalid",
        lambda token: token.has("jti") and not is_nonempty_text(token.claims["jti"]),
    ),
    Difference(
        "username must be a non-empty string if present: a token without one is a machine's",
        "claim_invalid",
        lambda token: token.has("username") and not is_nonempty_text(token.claims["username"]),
    ),
    Difference(
        "cognito:groups must be a list of strings: requirements are checked against it",
        "claim_invalid",
        lambda token: token.has("cognito:groups") and not is_list_of_text(token.claims["cognito:groups"]),
    ),
    Difference(
        "extensions in the header are refused (RFC 7515 4.1.11, RFC 7797, RFC 7516)",
        "token_malformed",
        lambda token: not {"crit", "b64", "zip", "enc", "cty"}.isdisjoint(token.header),
    ),
    Difference(
        "typ must be JWT or at+jwt if present (RFC 8725 3.11)",
        "token_malformed",
        lambda token: str(token.header.get("typ", "JWT")).lower() not in {"jwt", "at+jwt"},
    ),
    Difference(
        "base64url has no padding and no unused bits set: a token has one form (RFC 7515 2)",
        "token_malformed",
        lambda token: not all(map(is_canonical, token.text.split("."))),
    ),
    Difference(
        "names must be unique: all readers must see the same claims (RFC 7519 4)",
        "token_malformed",
        lambda token: has_duplicate_name(token.raw),
    ),
    Difference(
        "JSON must be valid UTF-8 (RFC 8259 8.1)",
        "token_malformed",
        lambda token: "\ufffd" in token.raw,
    ),
    Difference(
        "lone surrogates and numbers beyond floats are refused (RFC 8259 8.2, 6)",
        "token_malformed",
        lambda token: not is_json(token.claims) or not is_json(token.header),
    ),
    Difference(
        "no white space before or after the object",
        "token_malformed",
        lambda token: token.raw.strip() != token.raw,
    ),
    Difference(
        "claims are nested 32 deep at most: later code must be able to recurse",
        "token_malformed",
        lambda token: measure_depth(token.raw) > 32,
    ),
    Difference(
        "integers have 4300 digits at most, as Python allows (CVE-2020-10735)",
        "token_malformed",
        lambda token: "9" * 4301 in token.raw,
    ),
    Difference(
        "a token has 16384 characters at most",
        "token_malformed",
        lambda token: len(token.text) > 16_384,
    ),
]


def find_reason(text: str, code: str) -> str | None:
    token = decode_token(text)
    return next((known.reason for known in INTENDED if known.code == code and known.applies(token)), None)


# --- the comparison


def verify_with_node(tokens: list[str], directory: Path) -> list[dict[str, Any]]:
    """Return aws-jwt-verify's result for each token, from one node process."""
    setup = {"pool": POOL.id, "client": POOL.client_id, "jwks": POOL.jwks, "now": NOW}
    file = directory / "tokens.jsonl"
    file.write_text("\n".join(map(json.dumps, [setup, *tokens])), "ascii")
    command = [str(NODE), str(Path(__file__).with_name("differential.mjs")), DIRECTORY, str(file)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr[-500:]
    return [json.loads(line) for line in run.stdout.splitlines()]


async def verify_with_guard(tokens: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return for each token the error code, or an empty code and the principal's claims."""
    guard, results = guard_for(POOL), list[tuple[str, dict[str, Any]]]()
    for text in tokens:
        try:
            user = await guard.verify(text)
        except AuthError as refused:
            assert refused.status == 401
            results.append((refused.code, {}))
        else:
            claims = {
                "sub": user.sub,
                "exp": user.expires_at,
                "iss": user.issuer,
                "client_id": user.client_id,
            }
            results.append(("", claims))
    return results


def describe(text: str, code: str, other: dict[str, Any]) -> str:
    token = decode_token(text)
    ours, theirs = code or "accepted", other.get("error", "accepted")
    return f"{ours} by the guard, {theirs} by aws-jwt-verify: {token.header} {token.raw[:500]!r}"


@pytest.mark.skipif(bool(find_reason_to_skip()), reason=find_reason_to_skip())
async def test_awss_own_verifier_agrees_but_for_the_intended_differences(tmp_path: Path) -> None:
    tokens = list_hostile_tokens()
    tally, others = Counter[str](), list[str]()
    pairs = zip(verify_with_node(tokens, tmp_path), await verify_with_guard(tokens), strict=True)
    for text, (other, (code, claims)) in zip(tokens, pairs, strict=True):
        if other["ok"] and not code:
            assert {name: other[name] for name in claims} == claims
            tally["both accept"] += 1
        elif not other["ok"] and code:
            tally["both refuse"] += 1
        elif (reason := find_reason(text, code)) is not None:
            tally[reason] += 1
        else:
            others.append(describe(text, code, other))
    print(f"{len(tokens)} tokens", *(f"{n:6} {name}" for name, n in tally.most_common()), sep="\n")  # noqa: T201
    assert not others, "\n".join([f"{len(others)} unintended differences:", *others[:20]])
    assert not {known.reason for known in INTENDED} - tally.keys(), "intended, but never seen"
    assert min(tally["both accept"], tally["both refuse"]) > 500
