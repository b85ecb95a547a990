"""Verdicts as a client sees them, and the count of those that are right and wrong."""

import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.soak.client import Answer
from benchmarks.soak.generation import Kind, Sample
from benchmarks.soak.timeline import Timeline
from fastapi_cognito_guard.errors import (
    AlgorithmNotAllowed,
    AuthError,
    InsufficientScope,
    KeysUnavailable,
    KeyUnknown,
    SignatureInvalid,
    TokenExpired,
)

_KEPT = 20  # wrong verdicts that are printed
_BY_DESCRIPTION: dict[str, type[AuthError]] = {
    each.description: each for each in (AlgorithmNotAllowed, KeyUnknown, SignatureInvalid, TokenExpired)
}


def read_verdict(sample: Sample, answer: Answer) -> str:
    """Return the code of an answer; ``accepted`` only if it names this token's own caller."""
    if answer.status == 200:
        named = (answer.body.get("sub"), answer.body.get("jti"))
        return "accepted" if named == (sample.sub, sample.jti) else "accepted as somebody else"
    if answer.status == 401:
        known = [each.code for text, each in _BY_DESCRIPTION.items() if f'"{text}"' in answer.challenge]
        return known[0] if known else f"401 {answer.challenge}"
    if answer.status == 403 and 'error="insufficient_scope"' in answer.challenge:
        return InsufficientScope.code
    if answer.status == 503:
        return KeysUnavailable.code
    return str(answer.status)


@dataclass
class Tally:
    """Counts of a run."""

    timeline: Timeline
    sent: Counter[Kind] = field(default_factory=Counter)
    verdicts: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    workers: Counter[int] = field(default_factory=Counter)
    slowest: dict[Kind, float] = field(default_factory=dict)
    wrong: int = 0
    examples: list[str] = field(default_factory=list)
    outside_503: int = 0
    other_5xx: int = 0
    unanswered: int = 0

    def add(self, sample: Sample, answer: Answer, sent: float, received: float) -> None:
        """Judge an answer. The times are monotonic."""
        verdict = read_verdict(sample, answer)
        self._count(sample.kind, verdict, received - sent)
        if answer.status == 200:
            self.workers[answer.body["pid"]] += 1
        if answer.status >= 500:
            self._add_failure(answer.status, sent, received)
        allowed: set[str] = set(self.timeline.list_allowed(sample, sent, received))
        if sample.kind == "expiring":
            allowed = _allow_expiry(allowed, sample, received - sent)
        if verdict not in allowed:
            self.wrong += 1
            self._keep(f"{sample.kind}: {verdict}, and {' or '.join(sorted(allowed))} was due")

    def add_unanswered(self, sample: Sample, error: Exception) -> None:
        """Count a request without an answer."""
        self._count(sample.kind, "no answer", 0.0)
        self.unanswered += 1
        self._keep(f"{sample.kind}: no answer ({type(error).__name__})")

    def _count(self, kind: Kind, verdict: str, took: float) -> None:
        self.sent[kind] += 1
        self.verdicts[kind, verdict] += 1
        self.slowest[kind] = max(took, self.slowest.get(kind, 0.0))

    def _add_failure(self, status: int, sent: float, received: float) -> None:
        fault = self.timeline.find_fault(sent, received)
        if status != 503:
            self.other_5xx += 1
        elif fault is None:
            self.outside_503 += 1
        else:
            fault.count_503 += 1
            fault.last_503 = max(fault.last_503, received)

    def _keep(self, text: str) -> None:
        if len(self.examples) < _KEPT:
            self.examples.append(f"{time.strftime('%H:%M:%S')} {text}")
            print(f"!!! {text}", file=sys.stderr, flush=True)  # noqa: T201 - progress


def _allow_expiry(allowed: set[str], sample: Sample, took: float) -> set[str]:
    """Return what is right for a token that expires: either verdict only around the second of its expiry."""
    now = time.time()
    if now < sample.expires_at:
        return allowed
    if now - took >= sample.expires_at:
        allowed = allowed - {"accepted"}
    return allowed | {"token_expired"}
