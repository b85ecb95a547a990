"""The rows of a page: the answers of all doors in one table, in groups by path."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.matrix.answers import Answer
from fastapi_cognito_guard.matrix.markdown import format_answer
from fastapi_cognito_guard.matrix.routes import GuardedRoute
from fastapi_cognito_guard.matrix.table import Matrix

_FEW_ROWS = 24  # that need no groups
_PREFIX = re.compile(r"api|v\d+", re.IGNORECASE)  # begins all paths of an app, so that it groups nothing

Cell = tuple[Answer | None, ...]
"""The answers to one caller at one route, by door. None where a door has no such route."""


class PageRow(NamedTuple):
    """A route, with one cell for each caller."""

    route: GuardedRoute
    cells: tuple[Cell, ...]

    @property
    def doors(self) -> tuple[int, ...]:
        """The doors that have the route, by their numbers."""
        cell = self.cells[0] if self.cells else ()
        return tuple(number for number, answer in enumerate(cell) if answer is not None)


class Group(NamedTuple):
    """Rows whose paths begin alike; ``name`` is empty where there is one group only."""

    name: str
    rows: tuple[PageRow, ...]


def check_matrices(matrices: Sequence[Matrix]) -> None:
    """Raise `ConfigurationError` unless there are matrices of one app and its callers, one for each door."""
    first = next(iter(matrices), None)
    if first is None or not first.callers:
        raise ConfigurationError("A page shows at least one matrix, which has at least one caller.")
    if len({each.door for each in matrices}) < len(matrices):
        raise ConfigurationError("A page shows one matrix for each door.")
    if any((each.title, each.callers) != (first.title, first.callers) for each in matrices):
        raise ConfigurationError("The matrices of a page are of one app, and have the same callers.")


def merge_rows(matrices: Sequence[Matrix]) -> tuple[PageRow, ...]:
    """Return one row for each route of any door, in the order of the door that has most."""
    longest_first = sorted(matrices, key=lambda each: -len(each.rows))
    routes = {row.route.name: row.route for matrix in longest_first for row in matrix.rows}
    answers = [{row.route.name: row.answers for row in matrix.rows} for matrix in matrices]
    return tuple(
        PageRow(
            route,
            tuple(
                tuple(found[name][column] if name in found else None for found in answers)
                for column in range(len(matrices[0].callers))
            ),
        )
        for name, route in routes.items()
    )


def group_rows(rows: Sequence[PageRow]) -> tuple[Group, ...]:
    """Return rows by the first segment of their paths. First are all those that are alone there."""
    named: dict[str, list[PageRow]] = {}
    for row in rows:
        named.setdefault(_find_segment(row.route.info.path), []).append(row)
    if len(rows) <= _FEW_ROWS or len(named) == 1:
        return (Group("", tuple(rows)),)
    alone = tuple(found[0] for found in named.values() if len(found) == 1)
    groups = [Group(name, tuple(found)) for name, found in named.items() if len(found) > 1]
    return (*([Group("Single routes", alone)] if alone else []), *groups)


def differs(cell: Cell) -> bool:
    """Return True if what a cell says is another word at another door."""
    return len({format_answer(answer) for answer in cell if answer is not None}) > 1


def list_answers(rows: Iterable[PageRow]) -> tuple[Answer, ...]:
    """Return all distinct answers, in the order in which they are met."""
    found = (answer for row in rows for cell in row.cells for answer in cell if answer is not None)
    return tuple(dict.fromkeys(found))


def _find_segment(path: str) -> str:
    segments = path.split("/")[1:]
    start = 0
    while start < len(segments) - 1 and _PREFIX.fullmatch(segments[start]):
        start += 1
    return "/" + "/".join(segments[: start + 1])
