"""Interleaved bursts: what is compared runs side by side, so that a busy machine slows all of it alike."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median, quantiles
from time import perf_counter
from typing import TypeVar

Input = TypeVar("Input")
Burst = Callable[[int], float]
"""Makes that many calls. The seconds that one of them took."""

runner = asyncio.Runner()
"""The one event loop that everything asynchronous is measured in."""


@dataclass(frozen=True)
class Ratio:
    """How many times as long as another thing something takes: the median round, and the quartiles."""

    median: float
    low: float
    high: float

    def inverse(self) -> "Ratio":
        """As throughput: how much of the other thing's it has."""
        return Ratio(1 / self.median, 1 / self.high, 1 / self.low)


def ratio_of(pairs: Sequence[tuple[float, float]]) -> Ratio:
    """Of the first to the second, each pair from one round."""
    ratios = [one / other for one, other in pairs]
    low, _, high = quantiles(ratios, n=4)
    return Ratio(median(ratios), low, high)


class Rounds:
    """What each thing took, round by round."""

    def __init__(self, names: Sequence[str]) -> None:
        self.seconds: dict[str, list[float]] = {name: [] for name in names}

    def ratio(self, name: str, base: str) -> Ratio:
        """How many times as long as ``base`` it took."""
        return ratio_of(list(zip(self.seconds[name], self.seconds[base], strict=True)))

    def microseconds(self) -> dict[str, float]:
        """The medians: of this machine, on this day."""
        return {name: round(median(taken) * 1e6, 2) for name, taken in self.seconds.items()}


def interleave(bursts: Mapping[str, Burst], *, rounds: int, calls: int) -> Rounds:
    """One burst of each a round, in an order that turns; before them one that does not count."""
    for burst in bursts.values():
        burst(calls)
    results = Rounds(list(bursts))
    for number in range(rounds):
        for name in list(bursts)[:: -1 if number % 2 else 1]:
            results.seconds[name].append(bursts[name](calls))
    return results


def calling(call: Callable[[Input], object], inputs: Sequence[Input]) -> Burst:
    """Bursts of plain calls, with the inputs in turn."""
    turn = cycle(inputs)

    def burst(calls: int) -> float:
        chosen = list(islice(turn, calls))
        start = perf_counter()
        for item in chosen:
            call(item)
        return (perf_counter() - start) / calls

    return burst


def awaiting(call: Callable[[Input], Awaitable[object]], inputs: Sequence[Input]) -> Burst:
    """Bursts of awaited calls, one after the other, with the inputs in turn."""
    turn = cycle(inputs)

    async def spend(chosen: list[Input]) -> float:
        start = perf_counter()
        for item in chosen:
            await call(item)
        return (perf_counter() - start) / len(chosen)

    def burst(calls: int) -> float:
        return runner.run(spend(list(islice(turn, calls))))

    return burst
