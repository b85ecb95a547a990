"""Time that neither a clock change nor a frozen process can distort."""

import time
from collections.abc import Callable
from typing import NamedTuple

Seconds = Callable[[], float]


def read_time() -> float:
    """Return the seconds since the epoch. `time.time` is looked up at each call, as tests may freeze it."""
    return time.time()


class Moment(NamedTuple):
    """A point in time on both clocks."""

    wall: float
    steady: float


class Clock:
    """A wall clock and a steady clock, read together.

    The wall clock goes on while a machine is frozen, but may be set. The steady clock may stop, but is
    never set.
    """

    __slots__ = ("steady", "wall")

    def __init__(self, wall: Seconds = read_time, steady: Seconds = time.monotonic) -> None:
        self.wall = wall
        self.steady = steady

    def now(self) -> Moment:
        """Return the present moment."""
        return Moment(self.wall(), self.steady())

    def since(self, moment: Moment) -> float:
        """Return the seconds since ``moment`` on the clock that shows more: too old rather than too young."""
        wall, steady = self.wall() - moment[0], self.steady() - moment[1]
        return max(steady, wall)
