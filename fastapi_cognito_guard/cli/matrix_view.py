"""A matrix in a terminal of 80 columns."""

import re
from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from fastapi_cognito_guard.cli.output import add_row, make_table, out, print_table, print_text, sanitize
from fastapi_cognito_guard.matrix import Door, Matrix, Row
from fastapi_cognito_guard.matrix.markdown import format_answer
from fastapi_cognito_guard.matrix.page.rows import Cell, differs, merge_rows

_CELL = 6  # columns, with the space behind it
_ROUTE = 30  # columns at least
_LONGEST = 44  # characters of a line of a route
_MANY = 24  # callers
_STYLES = {"yes": "bold green", "check": "cyan"}


def print_matrices(matrices: Sequence[Matrix]) -> None:
    """Print the matrix of the first door, and what is answered otherwise at the others."""
    first = matrices[0]
    if not first.rows:
        print_text("The app has no routes of its own.")
        return
    different = {
        (row.route.name, number): cell
        for row in merge_rows(matrices)
        for number, cell in enumerate(row.cells)
        if differs(cell)
    }
    _print_callers(first)
    for start in range(0, len(first.callers), size := _count_columns()):
        print_text()
        _print_block(first, range(start, min(start + size, len(first.callers))), set(different))
    print_text()
    print_text("yes: may call it. check: a check of the app's own decides. 401, 403: refused.")
    if len(first.callers) > _MANY:
        print_text(f"{len(first.callers)} callers: --html shows all on one page, --callers FILE yours only.")
    if len(matrices) > 1:
        _print_different(matrices, different)


def _print_callers(matrix: Matrix) -> None:
    print_text(f"Who may do what in {matrix.title}, {_describe_door(matrix)}")
    print_text()
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim")
    table.add_column(overflow="fold")
    for number, caller in enumerate(matrix.callers, 1):
        table.add_row(Text(str(number)), Text(sanitize(caller.name)))
    print_table(table)


def _describe_door(matrix: Matrix) -> str:
    return {
        "standalone": "reached directly.",
        "rest": "behind a REST API with an authorizer for user pools.",
        "http": "behind an HTTP API with a JWT authorizer.",
        "lambda": "behind a REST API with a Lambda authorizer.",
    }[matrix.door]


def _count_columns() -> int:
    return max(1, (out.width - _ROUTE) // _CELL)


def _print_block(matrix: Matrix, columns: range, different: set[tuple[str, int]]) -> None:
    table = make_table("Route", *(str(number + 1) for number in columns))
    for row in matrix.rows:
        cells = [_build_cell(row, number, different) for number in columns]
        table.add_row(Text("\n".join(_wrap_route(row.route.name))), *cells)
    print_table(table)


def _wrap_route(name: str) -> Iterator[str]:
    """Break a long path before a slash, and indent what follows."""
    line = ""
    for part in re.split("(?=/)", sanitize(name)):
        if line.strip() and len(line + part) > _LONGEST:
            yield line
            line = "  "
        line += part
    yield line


def _build_cell(row: Row, number: int, different: set[tuple[str, int]]) -> Text:
    text = format_answer(row.answers[number])
    mark = "*" if (row.route.name, number) in different else ""
    return Text(text + mark, style=_STYLES.get(text, ""))


def _print_different(matrices: Sequence[Matrix], different: Mapping[tuple[str, int], Cell]) -> None:
    """Print how many cells are answered otherwise at each door, with the first of them."""
    print_text()
    if not different:
        print_text("All doors give the same answers.")
        return
    callers = matrices[0].callers
    found: dict[tuple[Door, str, str], list[str]] = {}
    for (name, number), cell in different.items():
        here, *others = (None if answer is None else format_answer(answer) for answer in cell)
        for matrix, there in zip(matrices[1:], others, strict=True):
            if here is not None and there not in (None, here):
                where = f"{name} for {callers[number].name}"
                found.setdefault((matrix.door, str(there), here), []).append(where)
    print_text("* answered otherwise at another door:")
    table = make_table("Door", "Answer", "Instead", "Cells", "First")
    for (door, there, here), cells in found.items():
        add_row(table, door, there, here, str(len(cells)), cells[0])
    print_table(table)
