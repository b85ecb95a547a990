"""Objects that a forked child must not share with its parent: locks, threads, and all that they guard."""

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """Object that can begin anew."""

    def reset(self) -> None:
        """Begin anew, with new locks. It runs in a child before any other code of Python's."""
        ...


_renewables: WeakSet[Renewable] = WeakSet()


def reset_in_children(renewable: Renewable) -> None:
    """Reset an object, as long as it exists, in each child that is forked from now on.

    So nothing needs to look for a fork when it is used.
    """
    _renewables.add(renewable)


def _reset_all() -> None:
    for renewable in list(_renewables):
        renewable.reset()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_reset_all)
