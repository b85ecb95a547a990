"""The course of a run: rotations and faults of the key server, and the verdicts that each moment allows."""

from dataclasses import dataclass, field

from benchmarks.soak.generation import Generation, Sample, Verdict
from benchmarks.soak.settings import POLICY

MARGIN = 1.5  # seconds for a busy machine
LEARN = POLICY.cooldown + POLICY.timeout + MARGIN
"""Seconds after which a new key must be known: a miss waits for its cool-down, and then for one fetch."""
FORGET = 0.8 * POLICY.max_age + POLICY.timeout + MARGIN
"""Seconds after which a withdrawn key must be refused: the keys are refreshed at 0.8 of their age."""
RESERVE = POLICY.max_stale + 0.2 * POLICY.max_age - POLICY.timeout
"""Seconds of an outage in which every known key must still be served."""
_LONGEST_WAIT = 30.0  # seconds between two fetches in an outage


@dataclass(eq=False)
class Fault:
    """A time in which the key server fails."""

    name: str
    start: float
    end: float = float("inf")
    last_503: float = 0.0
    count_503: int = 0

    @property
    def recovered_by(self) -> float:
        """Time from which no answer may be 503: a wait is as long as all before it together."""
        longest = min(_LONGEST_WAIT, self.end - self.start + POLICY.backoff)
        return self.end + longest + POLICY.timeout + MARGIN

    @property
    def recovery(self) -> float:
        """Seconds from the end of the fault to the last 503."""
        return max(0.0, self.last_503 - self.end)


@dataclass
class Timeline:
    """What has happened so far. All times are monotonic."""

    faults: list[Fault] = field(default_factory=list)
    generations: list[Generation] = field(default_factory=list)

    def find_fault(self, sent: float, received: float) -> Fault | None:
        """Return the fault whose effects a request may have seen."""
        for fault in reversed(self.faults):
            if fault.start <= received and sent <= fault.recovered_by:
                return fault
        return None

    def list_allowed(self, sample: Sample, sent: float, received: float) -> set[Verdict]:
        """Return the verdicts that are right for a request between these times."""
        fault, generation = self.find_fault(sent, received), sample.generation
        allowed: set[Verdict] = {sample.due}
        if generation is None:
            return allowed if fault is None else {*allowed, "keys_unavailable"}
        if sample.due == "algorithm_not_allowed":
            return allowed  # needs no key
        if received > generation.withdrawn:
            allowed.add("key_unknown")
            if sent > self._delay(generation.withdrawn) + FORGET:
                allowed = {"key_unknown"}
        is_new = sent <= self._delay(generation.complete) + LEARN
        if is_new:
            allowed.add("key_unknown")
        is_unknown = is_new or received > generation.withdrawn
        if fault is not None and (is_unknown or received >= fault.start + RESERVE):
            allowed.add("keys_unavailable")
        return allowed

    def _delay(self, moment: float) -> float:
        """Return the time from which workers can see a change: after the fault in which it happened."""
        fault = self.find_fault(moment, moment)
        return moment if fault is None else max(moment, fault.recovered_by)
