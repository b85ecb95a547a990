"""A matrix as a table in Markdown, and the texts in such tables."""

from collections.abc import Iterable

from fastapi_cognito_guard.matrix.answers import CHECK, Answer
from fastapi_cognito_guard.matrix.table import Matrix
from fastapi_cognito_guard.validation import escape_unprintable


def format_row(cells: Iterable[str]) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(cells)} |"


def format_code(text: str) -> str:
    """Return a text as code that no character of it can end, also within a table."""
    shown = escape_unprintable(text)
    fence = "`"
    while fence in shown:
        fence += "`"
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}".replace("|", "\\|")


def format_matrix(matrix: Matrix) -> str:
    """Return a matrix as a table: one line for a route, one column for a caller."""
    header = ["route", *(format_code(caller.name) for caller in matrix.callers)]
    lines = [format_row(header), format_row("---" for _ in header)]
    lines += [
        format_row([format_code(row.route.name), *map(format_answer, row.answers)]) for row in matrix.rows
    ]
    return "\n".join(lines)


def format_answer(answer: Answer) -> str:
    """Return an answer in a word: ``yes``, the status of a refusal, or ``check``."""
    if answer.allowed:
        return "yes"
    return "check" if answer.code == CHECK else str(answer.status)
