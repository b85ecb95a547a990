"""Time that neither a clock that is set nor a process that was frozen can fool."""

import time
from collections.abc import Callable
from dataclasses import dataclass

Seconds = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, by both clocks."""

    wall: float
    steady: float


@dataclass(frozen=True, slots=True)
class Clock:
    """The wall clock goes on while a machine is frozen, but may be set; the steady one the reverse."""

    wall: Seconds = time.time
    steady: Seconds = time.monotonic

    def now(self) -> Moment:
        """This moment."""
        return Moment(self.wall(), self.steady())

    def since(self, moment: Moment) -> float:
        """Seconds since ``moment``, by the clock that says more: old rather than young."""
        return max(self.wall() - moment.wall, self.steady() - moment.steady)
