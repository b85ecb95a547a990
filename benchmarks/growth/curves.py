"""Curves of cost against size, in CPU time of this process: other work on the machine does not count."""

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log
from statistics import linear_regression
from time import process_time

MOST = 1.15
"""The largest exponent that counts as n log n, with some allowance for noise."""
_REPEATS = 2
_LONG = 0.3  # seconds, after which nothing is repeated
_TOO_LONG = 20.0  # seconds, after which no larger size is measured
_SHORT = 0.01  # seconds that a measurement should last at least
_UPPER = 3  # sizes from which the exponent comes

Prepare = Callable[[int], Callable[[], object]]
"""Function that prepares a size, and returns what is measured."""


@dataclass(frozen=True)
class Curve:
    """Cost of each size, in seconds or bytes. ``most`` is the largest exponent that is right."""

    title: str
    unit: str
    points: tuple[tuple[int, float], ...]
    most: float | None = MOST

    @property
    def exponent(self) -> float:
        """Slope of the logarithms over the upper sizes."""
        upper = [(log(size), log(max(cost, 1e-9))) for size, cost in self.points[-_UPPER:]]
        return linear_regression([x for x, _ in upper], [y for _, y in upper]).slope

    @property
    def is_met(self) -> bool:
        """True if the cost does not grow faster than it may."""
        return self.most is None or self.exponent <= self.most


def measure_curve(title: str, sizes: Sequence[int], prepare: Prepare, *, most: float | None = MOST) -> Curve:
    """Measure what ``prepare`` returns for each size."""
    return Curve(title, "ms", tuple(_measure_sizes(sizes, prepare)), most)


def _measure_sizes(sizes: Sequence[int], prepare: Prepare) -> Iterator[tuple[int, float]]:
    for size in sizes:
        seconds = min(_measure_repeats(prepare, size))
        yield size, seconds
        if seconds > _TOO_LONG:
            return


def _measure_repeats(prepare: Prepare, size: int) -> Iterator[float]:
    for _ in range(_REPEATS):
        seconds = _measure_once(prepare(size), 1)
        if seconds < _SHORT:
            calls = int(_SHORT / max(seconds, 1e-6)) + 1
            action = prepare(size)
            action()
            seconds = min(seconds, _measure_once(action, calls))
        yield seconds
        if seconds > _LONG:
            return


def _measure_once(action: Callable[[], object], calls: int) -> float:
    gc.collect()
    gc.freeze()  # or collections would visit the objects of all other measurements
    start = process_time()
    for _ in range(calls):
        action()
    seconds = (process_time() - start) / calls
    gc.unfreeze()
    return seconds


def render(curves: Sequence[Curve]) -> str:
    """Render a table with one row for each curve."""
    rows = ["| cost | size: cost | exponent | at most n log n |", "|---|---|---|---|"]
    for curve in curves:
        points = ", ".join(f"{size:,}: {_format(curve, cost)}" for size, cost in curve.points)
        verdict = "yes" if curve.is_met else "**no**"
        rows.append(f"| {curve.title} | {points} | {curve.exponent:.2f} | {verdict} |")
    return "\n".join(rows)


def _format(curve: Curve, cost: float) -> str:
    if curve.unit == "ms":
        return f"{cost * 1000:,.3g} ms" if cost < 0.1 else f"{cost * 1000:,.0f} ms"
    return f"{cost:,.0f} {curve.unit}"
