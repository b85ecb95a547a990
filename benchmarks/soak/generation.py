"""Tokens of one generation of a pool's keys, each with the verdict that is due."""

import json
import random
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from benchmarks.soak.settings import SCOPE
from benchmarks.tokens import change_signature, make_tokens_with_unknown_kids
from fastapi_cognito_guard.testing import FakeUserPool

Kind = Literal["good", "expiring", "no scope", "expired", "forged", "unknown kid"]
Verdict = Literal[
    "accepted",
    "insufficient_scope",
    "token_expired",
    "signature_invalid",
    "algorithm_not_allowed",
    "key_unknown",
    "keys_unavailable",
]

_GOOD = 200
_OTHERS = 40


class Sample(NamedTuple):
    """A token and what is due for it while its key is known. ``generation`` is None for an unknown kid."""

    kind: Kind
    token: str
    due: Verdict
    sub: str = ""
    jti: str = ""
    expires_at: float = float("inf")
    generation: "Generation | None" = None


@dataclass(eq=False)
class Generation:
    """Keys of a pool that are published and withdrawn together. All times are monotonic.

    A document with the keys was first given out after ``published`` and last before ``withdrawn``.
    """

    published: float
    complete: float = float("inf")
    withdrawn: float = float("inf")
    samples: tuple[Sample, ...] = ()


def make_samples(pool: FakeUserPool, generation: Generation) -> tuple[Sample, ...]:
    """Make tokens of every kind with the pool's current keys."""
    made = [*_make_good(pool), *_make_expiring(pool), *_make_refused(pool)]
    return tuple(each._replace(generation=generation) for each in made)


def make_unknown(pool: FakeUserPool, count: int) -> tuple[Sample, ...]:
    """Make tokens that each name another key that no pool has."""
    tokens = make_tokens_with_unknown_kids(pool, count)
    return tuple(Sample("unknown kid", token, "key_unknown") for token in tokens)


def _make_good(pool: FakeUserPool) -> Iterator[Sample]:
    for number in range(_GOOD):
        name, jti = f"user-{number % 50}", f"{random.getrandbits(64):x}"
        token = pool.access_token(name, scopes=[SCOPE], groups=["admins"], claims={"jti": jti})
        yield Sample("good", token, "accepted", pool.sub(name), jti)


def _make_expiring(pool: FakeUserPool) -> Iterator[Sample]:
    """Make tokens that expire, one after the other, while they are remembered."""
    for number in range(_OTHERS):
        jti, exp = f"{random.getrandbits(64):x}", int(time.time()) + 2 + number
        token = pool.access_token("ada", scopes=[SCOPE], claims={"jti": jti, "exp": exp})
        yield Sample("expiring", token, "accepted", pool.sub("ada"), jti, exp)


def _make_refused(pool: FakeUserPool) -> Iterator[Sample]:
    stranger = FakeUserPool(pool.id, client_id=pool.client_id)
    kid = {"kid": pool.signing_keys["access"].kid}
    for number in range(_OTHERS):
        good = pool.access_token("ada", scopes=[SCOPE])
        yield Sample("no scope", pool.access_token("ada", scopes=["orders/write"]), "insufficient_scope")
        yield Sample("expired", pool.access_token("ada", scopes=[SCOPE], expires_in=-60), "token_expired")
        if number % 4 == 0:
            yield Sample("forged", change_signature(good), "signature_invalid")
        elif number % 4 == 1:
            yield Sample("forged", _change_sub(good), "signature_invalid")
        elif number % 4 == 2:
            claims = json.loads(_decode(good.split(".")[1]))
            yield Sample("forged", stranger.sign(claims, header=kid), "signature_invalid")
        else:
            none = _encode(json.dumps({"alg": "none", **kid}).encode())
            yield Sample("forged", none + good[good.index(".") :], "algorithm_not_allowed")


def _change_sub(token: str) -> str:
    """Name another user, and keep the signature."""
    head, payload, signature = token.split(".")
    claims = json.loads(_decode(payload))
    claims["sub"] = "00000000-0000-4000-8000-000000000000"
    return f"{head}.{_encode(json.dumps(claims).encode())}.{signature}"


def _decode(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
