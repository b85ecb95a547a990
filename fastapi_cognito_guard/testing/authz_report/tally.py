"""Outcomes that tests exercised, by app. Test processes hand theirs on, and they are merged."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class AppTally:
    """Outcomes of one app: True if a test exercised it, by path, method and outcome."""

    name: str
    routes: dict[tuple[str, str], dict[str, bool]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Number of outcomes that its routes can have."""
        return sum(map(len, self.routes.values()))

    @property
    def exercised(self) -> int:
        """Number of outcomes that tests exercised."""
        return sum(sum(outcomes.values()) for outcomes in self.routes.values())

    def list_untouched(self) -> list[tuple[str, str, list[str]]]:
        """Return path, method and outcomes of what no test exercised, sorted."""
        untouched = (
            (path, method, [name for name, exercised in outcomes.items() if not exercised])
            for (path, method), outcomes in sorted(self.routes.items())
        )
        return [entry for entry in untouched if entry[2]]


class Tally:
    """Outcomes of all apps, by key."""

    def __init__(self) -> None:
        self.apps: dict[str, AppTally] = {}

    def add_app(self, key: str, name: str, outcomes: Iterable[tuple[str, str, str]]) -> None:
        """Add an app with what its routes can have, path, method and outcome, unless it is known."""
        app = self.apps.setdefault(key, AppTally(name))
        for path, method, outcome in outcomes:
            app.routes.setdefault((path, method), {}).setdefault(outcome, False)

    def mark(self, key: str, path: str, method: str, outcome: str) -> None:
        """Note that a test exercised an outcome."""
        self.apps[key].routes[path, method][outcome] = True

    @property
    def total(self) -> int:
        """Number of outcomes of all apps."""
        return sum(app.total for app in self.apps.values())

    @property
    def exercised(self) -> int:
        """Number of outcomes that tests exercised."""
        return sum(app.exercised for app in self.apps.values())

    def reaches(self, percent: float) -> bool:
        """Return True if at least this share was exercised. Of nothing, only 0 percent is reached."""
        return percent <= 0 or (self.total > 0 and self.exercised * 100 >= percent * self.total)

    def dump(self) -> list[Any]:
        """Return the tally in built-in types, as pytest-xdist sends them."""
        return [
            [key, app.name, [[*place, outcomes] for place, outcomes in app.routes.items()]]
            for key, app in self.apps.items()
        ]

    def merge(self, dumped: list[Any]) -> None:
        """Add what another process has exercised."""
        for key, name, routes in dumped:
            for path, method, outcomes in routes:
                self.add_app(key, name, [(path, method, outcome) for outcome in outcomes])
                for outcome in (outcome for outcome, exercised in outcomes.items() if exercised):
                    self.mark(key, path, method, outcome)
