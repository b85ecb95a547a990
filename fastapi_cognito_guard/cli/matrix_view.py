"""A matrix in a terminal of 80 columns."""

import re
from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from fastapi_cognito_guard.cli.output import make_table, out, print_table, print_text, sanitize
from fastapi_cognito_guard.matrix import Answer, Door, Matrix, Row
from fastapi_cognito_guard.matrix.markdown import format_answer

_CELL = 6  # columns, with the space behind it
_ROUTE = 30  # columns at least
_LONGEST = 44  # characters of a line of a route
_MANY = 24  # callers
_STYLES = {"yes": "bold green", "check": "cyan"}


def print_matrices(matrices: Sequence[Matrix]) -> None:
    """Print the matrix of the first door, and what is answered otherwise at the others."""
    first, *others = matrices
    if not first.rows:
        print_text("The app has no routes of its own.")
        return
    different = {(name, caller): answers for name, caller, answers in _list_different(first, others)}
    _print_callers(first)
    for start in range(0, len(first.callers), size := _count_columns()):
        print_text()
        _print_block(first, range(start, min(start + size, len(first.callers))), set(different))
    print_text()
    print_text("yes: may call it. check: a check of the app's own decides. 401, 403: refused.")
    if len(first.callers) > _MANY:
        print_text(f"{len(first.callers)} callers: --html shows all on one page, --callers FILE yours only.")
    if others:
        _print_different(first, different)


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


def _list_different(
    first: Matrix, others: Sequence[Matrix]
) -> Iterator[tuple[str, int, list[tuple[Door, Answer]]]]:
    """List the cells with another answer at another door: route, number of the caller, and these answers."""
    by_door = {each.door: {row.route.name: row for row in each.rows} for each in others}
    for row in first.rows:
        for number, answer in enumerate(row.answers):
            found = [
                (door, rows[row.route.name].answers[number])
                for door, rows in by_door.items()
                if row.route.name in rows and rows[row.route.name].answers[number].status != answer.status
            ]
            if found:
                yield row.route.name, number, found


def _print_different(first: Matrix, different: dict[tuple[str, int], list[tuple[Door, Answer]]]) -> None:
    """Print how many cells are answered otherwise at each door, with the first of them."""
    print_text()
    if not different:
        print_text("All doors give the same answers.")
        return
    rows = {row.route.name: row for row in first.rows}
    found: dict[tuple[Door, str, str], list[str]] = {}
    for (name, number), answers in different.items():
        here = format_answer(rows[name].answers[number])
        for door, answer in answers:
            where = f"{name} for {first.callers[number].name}"
            found.setdefault((door, format_answer(answer), here), []).append(where)
    print_text("* answered otherwise at another door:")
    table = make_table("Door", "Answer", "Instead", "Cells", "First")
    for (door, answer_there, here), cells in found.items():
        texts = (door, answer_there, here, str(len(cells)), cells[0])
        table.add_row(*(Text(sanitize(each)) for each in texts))
    print_table(table)
