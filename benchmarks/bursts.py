"""Interleaved bursts: a busy machine then slows everything that is compared equally."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median, quantiles
from time import perf_counter
from typing import TypeVar

Input = TypeVar("Input")
Burst = Callable[[int], float]
"""Function that makes the given number of calls, and returns the seconds per call."""

runner = asyncio.Runner()
"""Event loop of all asynchronous measurements."""


@dataclass(frozen=True)
class Ratio:
    """Relative duration: the median of all rounds, and the quartiles."""

    median: float
    low: float
    high: float

    def invert(self) -> "Ratio":
        """Return the relative throughput."""
        return Ratio(1 / self.median, 1 / self.high, 1 / self.low)


def compute_ratio(pairs: Sequence[tuple[float, float]]) -> Ratio:
    """Return the ratio of first to second, each pair from one round."""
    ratios = [one / other for one, other in pairs]
    low, _, high = quantiles(ratios, n=4)
    return Ratio(median(ratios), low, high)


class Rounds:
    """Seconds per call of each burst, by round."""

    def __init__(self, names: Sequence[str]) -> None:
        self.seconds: dict[str, list[float]] = {name: [] for name in names}

    def compute_ratio(self, name: str, base: str) -> Ratio:
        """Return the duration relative to ``base``."""
        return compute_ratio(list(zip(self.seconds[name], self.seconds[base], strict=True)))

    def compute_medians(self) -> dict[str, float]:
        """Return the medians, in microseconds."""
        return {name: round(median(taken) * 1e6, 2) for name, taken in self.seconds.items()}


def interleave(bursts: Mapping[str, Burst], *, rounds: int, calls: int) -> Rounds:
    """Run one burst of each per round, in alternating order, after a warm-up."""
    for burst in bursts.values():
        burst(calls)
    results = Rounds(list(bursts))
    for number in range(rounds):
        for name in list(bursts)[:: -1 if number % 2 else 1]:
            results.seconds[name].append(bursts[name](calls))
    return results


def make_sync_burst(call: Callable[[Input], object], inputs: Sequence[Input]) -> Burst:
    """Return a burst of sync calls, with the inputs in turn."""
    turn = cycle(inputs)

    def burst(calls: int) -> float:
        chosen = list(islice(turn, calls))
        start = perf_counter()
        for item in chosen:
            call(item)
        return (perf_counter() - start) / calls

    return burst


def make_async_burst(call: Callable[[Input], Awaitable[object]], inputs: Sequence[Input]) -> Burst:
    """Return a burst of async calls, one after the other, with the inputs in turn."""
    turn = cycle(inputs)

    async def run_calls(chosen: list[Input]) -> float:
        start = perf_counter()
        for item in chosen:
            await call(item)
        return (perf_counter() - start) / len(chosen)

    def burst(calls: int) -> float:
        return runner.run(run_calls(list(islice(turn, calls))))

    return burst
