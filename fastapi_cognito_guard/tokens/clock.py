"""Time that neither a clock that is set nor a process that was frozen can fool."""

import time
from collections.abc import Callable
from typing import NamedTuple

Seconds = Callable[[], float]


class Moment(NamedTuple):
    """A point in time, by both clocks."""

    wall: float
    steady: float


class Clock:
    """The wall clock goes on while a machine is frozen, but may be set; the steady one the reverse."""

    __slots__ = ("steady", "wall")

    def __init__(self, wall: Seconds = time.time, steady: Seconds = time.monotonic) -> None:
        self.wall = wall
        self.steady = steady

    def now(self) -> Moment:
        """This moment."""
        return Moment(self.wall(), self.steady())

    def since(self, moment: Moment) -> float:
        """Seconds since ``moment``, by the clock that says more: old rather than young."""
        wall, steady = self.wall() - moment[0], self.steady() - moment[1]
        return max(steady, wall)
