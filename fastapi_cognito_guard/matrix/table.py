"""The matrix: routes by callers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, get_args

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import installed_guard
from fastapi_cognito_guard.matrix.answers import Answer, Door, find_answer
from fastapi_cognito_guard.matrix.callers import Caller, check_distinct
from fastapi_cognito_guard.matrix.derived import derive_callers
from fastapi_cognito_guard.matrix.doors import build_authorizers_validator
from fastapi_cognito_guard.matrix.routes import GuardedRoute, list_guarded_routes
from fastapi_cognito_guard.settings import check_choice

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["DOORS", "Answer", "Door", "Matrix", "Row", "build_matrix"]

DOORS: tuple[Door, ...] = get_args(Door)


@dataclass(frozen=True, slots=True)
class Row:
    """A route, and the answers to the callers of the matrix, in their order."""

    route: GuardedRoute
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Table of who may do what at one door."""

    title: str
    door: Door
    callers: tuple[Caller, ...]
    rows: tuple[Row, ...]

    def list_cells(self) -> Iterator[tuple[Row, Caller, Answer]]:
        """Return all cells, row by row."""
        for row in self.rows:
            for caller, answer in zip(self.callers, row.answers, strict=True):
                yield row, caller, answer


def list_callers(app: "FastAPI") -> tuple[Caller, ...]:
    """Return the callers that an app's routes tell apart. Raises `ConfigurationError` without a guard."""
    routes = list(list_guarded_routes(app))
    types = installed_guard(app).validator.claim_types
    return derive_callers(
        [route.requirements for route in routes], types, iam=any(route.info.iam for route in routes)
    )


def build_matrix(
    app: "FastAPI", callers: Iterable[Caller] | None = None, *, door: Door = "standalone"
) -> Matrix:
    """Compute who may do what in an app.

    ``callers`` are by default those that the app's routes tell apart. REST and HTTP APIs have no WebSockets,
    so that these routes are left out at such doors. Raises `ConfigurationError` for an app without a guard.
    """
    check_choice("door", door, DOORS)
    routes = list(list_guarded_routes(app))
    columns = tuple(list_callers(app) if callers is None else callers)
    check_distinct(columns)
    _check_levels(app, columns)
    build_validator = cache(build_authorizers_validator)  # one for each guard, not for each cell
    rows = tuple(
        Row(route, tuple(find_answer(route, caller, door, build_validator) for caller in columns))
        for route in routes
        if door == "standalone" or not route.info.websocket
    )
    return Matrix(app.title, door, columns, rows)


def _check_levels(app: "FastAPI", callers: Iterable[Caller]) -> None:
    """Raise `ConfigurationError` for a caller with a level that no pool of the guard has."""
    guard = installed_guard(app)
    levels = list(dict.fromkeys(level for pool in guard.pools for level in pool.levels))
    for caller in callers:
        if caller.level is not None and caller.level not in levels and guard.directory is None:
            raise ConfigurationError(
                f"The caller {caller.name} has the level {caller.level}, and the pools have "
                f"{', '.join(levels)}: write one of them.",
                setting="level",
            )
