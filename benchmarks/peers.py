"""Cost and answers of other libraries for the same tokens."""

import warnings
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from benchmarks import node
from benchmarks.bursts import (
    Burst,
    Ratio,
    Rounds,
    compute_ratio,
    interleave,
    make_async_burst,
    make_sync_burst,
    runner,
)
from benchmarks.compare.adapters import COMPARED, GUARD, TIMED_ONLY, Check, Peer
from benchmarks.compare.site import Site, open_site
from benchmarks.tokens import GROUPS, SCOPES, Raw, change_signature, make_access_tokens, split_signature
from fastapi_cognito_guard.testing import FakeUserPool

_TOKENS = 100
CASES = ("good", "changed signature", "other client", "other issuer", "expired")


@dataclass(frozen=True)
class Outcome:
    """Result of a library: its answer to each case, and its cost; or the reason why it was skipped."""

    name: str
    answers: Sequence[str] = ()
    ratio: Ratio | None = None
    skipped: str = ""


PEERS = {
    f"{peer.name}, `remember=0`" if peer.name == GUARD else peer.name: peer
    for peer in (*COMPARED, *TIMED_ONLY)
    if peer.make is not None
}


def measure(*, rounds: int, calls: int) -> tuple[list[Outcome], Rounds]:
    """Check the answers of each library, then measure its cost. Keys come from loopback."""
    pool = FakeUserPool()
    good = make_access_tokens(pool, _TOKENS)
    raw = Raw(pool, good[0])
    bursts: dict[str, Burst] = {
        "raw": make_sync_burst(raw.verify, [split_signature(token) for token in good])
    }
    with warnings.catch_warnings(), ExitStack() as stack:
        warnings.simplefilter("ignore")  # deprecations among the libraries
        outcomes = {
            name: _try_library(name, peer, stack.enter_context(open_site(**peer.needs)), bursts)
            for name, peer in PEERS.items()
        }
        results = interleave(bursts, rounds=rounds, calls=calls)
    timed = [
        Outcome(name, outcome.answers, results.compute_ratio(name, "raw")) if name in bursts else outcome
        for name, outcome in outcomes.items()
    ]
    return [*timed, *_measure_aws_jwt_verify(pool, rounds, calls, results.seconds["raw"])], results


def _try_library(name: str, peer: Peer, site: Site, bursts: dict[str, Burst]) -> Outcome:
    """Return the answers of a library. Add its burst if they are right for the good and the changed token."""
    try:
        check = peer.set_up(site.place)
    except Exception as error:  # a library may fail in any way
        return Outcome(name, skipped=f"{type(error).__name__}: {str(error).splitlines()[0]}")
    answers = [runner.run(_verify(check, token)) for token in make_cases(site.issue)]
    if answers[0] != "accepts" or answers[1] == "accepts":
        return Outcome(
            name, answers, skipped="it accepts a token with a changed signature, or refuses a good one"
        )
    bursts[name] = _make_burst(check, [site.issue(groups=GROUPS, scopes=SCOPES) for _ in range(_TOKENS)])
    return Outcome(name, answers)


def _make_burst(check: Check, good: Sequence[str]) -> Burst:
    first = check(good[0])
    if not isawaitable(first):
        return make_sync_burst(check, good)
    runner.run(_await_answer(first))
    asynchronous: Any = check
    return make_async_burst(asynchronous, good)


async def _await_answer(answer: Awaitable[object]) -> object:
    return await answer


async def _verify(check: Check, token: str) -> str:
    try:
        result = check(token)
        result = await result if isawaitable(result) else result
    except Exception as error:  # each library has its own errors
        return f"refuses: `{type(error).__name__}`"
    return f"refuses: `{result}`" if result in (None, False) else "accepts"


def make_cases(issue: Callable[..., str]) -> list[str]:
    """Make a token for each of `CASES`. The pool signs all but the one with the changed signature."""
    good = issue(groups=GROUPS, scopes=SCOPES)
    return [
        good,
        change_signature(good),
        issue(claims={"client_id": "another"}),
        issue(claims={"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Another"}),
        issue(expires_in=-60),
    ]


def _measure_aws_jwt_verify(
    pool: FakeUserPool, rounds: int, calls: int, raw: Sequence[float]
) -> list[Outcome]:
    """Measure aws-jwt-verify, relative to the same raw verification as the others and to Node's own."""
    name = "aws-jwt-verify (Node)"
    order = {
        "pool": pool.id,
        "client": pool.client_id,
        "jwks": pool.jwks,
        "cases": make_cases(pool.access_token),
    }
    good = make_access_tokens(pool, _TOKENS)
    try:
        answers, own, seconds = node.measure({**order, "good": good, "rounds": rounds, "calls": calls})
    except node.Unavailable as error:
        return [Outcome(name, skipped=str(error))]
    return [
        Outcome(name, answers, compute_ratio(list(zip(seconds, raw, strict=True)))),
        Outcome(f"{name}, to Node's own `crypto.verify`", ratio=own),
    ]


def render_tables(outcomes: Sequence[Outcome]) -> str:
    """Render two tables: the cost, and the answers."""
    cost = ["| library | one access token / raw RSA verify |", "|---|---|"]
    answers = [f"| library | {' | '.join(CASES)} |", f"|---|{'---|' * len(CASES)}"]
    for outcome in outcomes:
        if outcome.ratio is not None:
            spread = f"{outcome.ratio.low:.2f} to {outcome.ratio.high:.2f}"
            cost.append(f"| {outcome.name} | {outcome.ratio.median:.2f} ({spread}) |")
        else:
            cost.append(f"| {outcome.name} | skipped: {outcome.skipped} |")
        if outcome.answers:
            answers.append(f"| {outcome.name} | {' | '.join(outcome.answers)} |")
    return "\n".join([*cost, "", *answers])
