"""A second opinion: AWS's own verifier for Node judges thousands of mutated tokens as this guard does.

Where the two differ on purpose, the difference is on the list below with its reason; any other fails. It
needs node, and aws-jwt-verify 5.2.1 in ``$AWS_JWT_VERIFY/node_modules``. Nothing is installed or fetched.
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
from tests.attacks.mutators import hostile_tokens

pytestmark = pytest.mark.anyio

DIRECTORY = os.environ.get("AWS_JWT_VERIFY", "")
NODE = shutil.which("node")
VERSION = "5.2.1"


def why_not() -> str:
    """Why this test cannot run here; empty where it can."""
    if NODE is None:
        return "node is not installed"
    if not DIRECTORY:
        return "AWS_JWT_VERIFY does not name a directory with node_modules/aws-jwt-verify"
    manifest = Path(DIRECTORY, "node_modules", "aws-jwt-verify", "package.json")
    if not manifest.is_file():
        return "aws-jwt-verify is not in $AWS_JWT_VERIFY/node_modules"
    version = json.loads(manifest.read_text())["version"]
    return "" if version == VERSION else f"aws-jwt-verify is {version}, not {VERSION}"


# --- what a lenient reader sees in a token


class Facts(NamedTuple):
    text: str
    header: dict[str, Any]
    claims: dict[str, Any]
    raw: str

    def has(self, name: str) -> bool:
        return name in self.claims


def octets_of(text: str) -> bytes:
    """As Node reads base64: without padding, and without a letter too many."""
    letters = text.rstrip("=")
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    return urlsafe_b64decode(letters + "=" * (-len(letters) % 4))


def json_in(text: str) -> tuple[dict[str, Any], str]:
    raw = octets_of(text).decode("utf-8", "replace")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}, raw
    return (value if isinstance(value, dict) else {}), raw


def facts_of(text: str) -> Facts:
    if text.count(".") != 2:
        return Facts(text, {}, {}, "")
    head, body, _ = text.split(".")
    claims, raw = json_in(body)
    return Facts(text, json_in(head)[0], claims, raw)


def is_canonical(text: str) -> bool:
    return b64(octets_of(text)) == text


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -(2**53) < value < 2**53


def is_text(value: object) -> bool:
    """A text that can be written at all: no lone surrogate is in it."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def is_sound(value: object) -> bool:
    """Whether it could be written as JSON again, in UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except ValueError:
        return False
    return True


def is_name(value: object) -> bool:
    return is_text(value) and value != ""


def is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(is_text, value))


def has_a_name_twice(raw: str) -> bool:
    twice: list[bool] = []

    def note(members: list[tuple[str, Any]]) -> dict[str, Any]:
        twice.append(len(dict(members)) != len(members))
        return dict(members)

    try:
        json.loads(raw, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return False
    return any(twice)


def depth_of(raw: str) -> int:
    """How deep the brackets go. None of the tokens has brackets in its texts that would count."""
    depth = deepest = 0
    for letter in raw:
        depth += (letter in "[{") - (letter in "]}")
        deepest = max(deepest, depth)
    return deepest


# --- what the two differ in on purpose: this guard refuses, with this code, what the other accepts


class Difference(NamedTuple):
    reason: str
    code: str
    applies: Callable[[Facts], bool]


INTENDED = [
    Difference(
        "exp is required: a token must end (Cognito always says when)",
        "claim_invalid",
        lambda it: not it.has("exp"),
    ),
    Difference(
        "the second that exp names is the first that is too late (RFC 7519 4.1.4)",
        "token_expired",
        lambda it: it.claims.get("exp") == NOW,
    ),
    Difference(
        "a token of the future is none: iat is looked at, too",
        "token_not_yet_valid",
        lambda it: is_number(it.claims.get("iat")) and it.claims["iat"] > NOW,
    ),
    Difference(
        "times beyond 2^53 are no times: arithmetic would not be exact",
        "claim_invalid",
        lambda it: any(it.has(name) and not is_number(it.claims[name]) for name in ("exp", "nbf", "iat")),
    ),
    Difference(
        "auth_time has the type of a time where it is there",
        "claim_invalid",
        lambda it: it.has("auth_time") and not is_number(it.claims["auth_time"]),
    ),
    Difference(
        "sub is required: it is who is calling",
        "claim_invalid",
        lambda it: not is_name(it.claims.get("sub")),
    ),
    Difference(
        "jti is a text where it is there, and not empty",
        "claim_invalid",
        lambda it: it.has("jti") and not is_name(it.claims["jti"]),
    ),
    Difference(
        "username is a text where it is there: a caller without one is a machine",
        "claim_invalid",
        lambda it: it.has("username") and not is_name(it.claims["username"]),
    ),
    Difference(
        "groups are a list of texts: requirements are checked against them",
        "claim_invalid",
        lambda it: it.has("cognito:groups") and not is_texts(it.claims["cognito:groups"]),
    ),
    Difference(
        "extensions in the header are refused (RFC 7515 4.1.11, RFC 7797, RFC 7516)",
        "token_malformed",
        lambda it: not {"crit", "b64", "zip", "enc", "cty"}.isdisjoint(it.header),
    ),
    Difference(
        "typ is JWT or at+jwt where it is there (RFC 8725 3.11)",
        "token_malformed",
        lambda it: str(it.header.get("typ", "JWT")).lower() not in {"jwt", "at+jwt"},
    ),
    Difference(
        "base64url has no padding and no bits left over: one token has one text (RFC 7515 2)",
        "token_malformed",
        lambda it: not all(map(is_canonical, it.text.split("."))),
    ),
    Difference(
        "a name is there once: two readers must not see two tokens (RFC 7519 4)",
        "token_malformed",
        lambda it: has_a_name_twice(it.raw),
    ),
    Difference(
        "JSON is UTF-8, and what is not is not mended (RFC 8259 8.1)",
        "token_malformed",
        lambda it: "\ufffd" in it.raw,
    ),
    Difference(
        "half a surrogate pair is no text, and what is beyond any number is none (RFC 8259 8.2, 6)",
        "token_malformed",
        lambda it: not is_sound(it.claims) or not is_sound(it.header),
    ),
    Difference(
        "nothing stands before or behind the object, white space included",
        "token_malformed",
        lambda it: it.raw.strip() != it.raw,
    ),
    Difference(
        "claims are nested 32 deep at most: whatever comes after would have to recurse as deep",
        "token_malformed",
        lambda it: depth_of(it.raw) > 32,
    ),
    Difference(
        "an integer has 4300 digits at most, as everywhere in Python (CVE-2020-10735)",
        "token_malformed",
        lambda it: "9" * 4301 in it.raw,
    ),
    Difference(
        "a token has 16384 characters at most",
        "token_malformed",
        lambda it: len(it.text) > 16_384,
    ),
]


def reason_of(text: str, code: str) -> str | None:
    facts = facts_of(text)
    return next((known.reason for known in INTENDED if known.code == code and known.applies(facts)), None)


# --- the comparison


def judged_there(tokens: list[str], directory: Path) -> list[dict[str, Any]]:
    """One answer per token, from one node process."""
    setup = {"pool": POOL.id, "client": POOL.client_id, "jwks": POOL.jwks, "now": NOW}
    file = directory / "tokens.jsonl"
    file.write_text("\n".join(map(json.dumps, [setup, *tokens])), "ascii")
    command = [str(NODE), str(Path(__file__).with_name("differential.mjs")), DIRECTORY, str(file)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr[-500:]
    return [json.loads(line) for line in run.stdout.splitlines()]


async def judged_here(tokens: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """For each token the code of its refusal, or none and what a principal says."""
    guard, judgements = guard_for(POOL), list[tuple[str, dict[str, Any]]]()
    for text in tokens:
        try:
            user = await guard.verify(text)
        except AuthError as refused:
            assert refused.status == 401
            judgements.append((refused.code, {}))
        else:
            facts = {"sub": user.sub, "exp": user.expires_at, "iss": user.issuer, "client_id": user.client_id}
            judgements.append(("", facts))
    return judgements


def disagreement(text: str, code: str, other: dict[str, Any]) -> str:
    facts = facts_of(text)
    ours, theirs = code or "accepted", other.get("error", "accepted")
    return f"{ours} here, {theirs} there: {facts.header} {facts.raw[:500]!r}"


@pytest.mark.skipif(bool(why_not()), reason=why_not())
async def test_awss_own_verifier_agrees_but_for_what_is_on_the_list(tmp_path: Path) -> None:
    tokens = hostile_tokens()
    tally, others = Counter[str](), list[str]()
    pairs = zip(judged_there(tokens, tmp_path), await judged_here(tokens), strict=True)
    for text, (other, (code, facts)) in zip(tokens, pairs, strict=True):
        if other["ok"] and not code:
            assert {name: other[name] for name in facts} == facts
            tally["both accept"] += 1
        elif not other["ok"] and code:
            tally["both refuse"] += 1
        elif (reason := reason_of(text, code)) is not None:
            tally[reason] += 1
        else:
            others.append(disagreement(text, code, other))
    print(f"{len(tokens)} tokens", *(f"{n:6} {name}" for name, n in tally.most_common()), sep="\n")  # noqa: T201
    assert not others, "\n".join([f"{len(others)} not on the list:", *others[:20]])
    assert not {known.reason for known in INTENDED} - tally.keys(), "on the list, and never seen"
    assert min(tally["both accept"], tally["both refuse"]) > 500
