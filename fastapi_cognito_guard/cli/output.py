"""Output for a terminal of 80 columns, exit codes, and escapes for texts of unknown origin."""

import json
import re
from collections.abc import Iterable
from enum import IntEnum

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fastapi_cognito_guard.validation import escape_unprintable

_MAX_LENGTH = 300
_TOKEN = r"eyJ[\w.=-]{16,}"

out = Console(highlight=False, soft_wrap=False)
err = Console(stderr=True, highlight=False)


class ExitCode(IntEnum):
    """Exit codes of all commands. Scripts rely on them."""

    YES = 0
    """The token is good, or the app is in order."""
    NO = 1
    """The token would be refused, or a problem was found."""
    WRONG_USE = 2
    """A wrong option or setting, or an app that cannot be imported."""
    UNDECIDED = 3
    """The keys cannot be fetched, so that there is no answer."""


def print_text(text: str = "", style: str = "") -> None:
    """Print a paragraph to standard output."""
    _print_without_trailing_blanks(Text(sanitize(text), style=style))


def print_hint(text: str) -> None:
    """Print a paragraph to standard error."""
    _print_to_stderr(text, style="dim")


def print_note(text: str) -> None:
    """Print a note or a warning to standard error."""
    _print_to_stderr(text)


def print_error(text: str) -> None:
    """Print an error to standard error."""
    _print_to_stderr(f"cognito-guard: {text}")


def print_fields(rows: Iterable[tuple[str, object]]) -> None:
    """Print names and values. Rows without a value are left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        if value not in (None, "", (), [], {}):
            add_row(table, f"  {format_value(name)}", format_value(value))
    print_table(table)


def print_table(table: Table) -> None:
    """Print a table without trailing blanks."""
    _print_without_trailing_blanks(table)


def _print_to_stderr(text: str, style: str = "") -> None:
    """Print a paragraph. It is wrapped at a terminal only: programs search whole lines."""
    err.print(Text(sanitize(text), style=style), soft_wrap=not err.is_terminal)


def _print_without_trailing_blanks(content: Table | Text) -> None:
    with out.capture() as captured:
        out.print(content)
    for line in captured.get().splitlines():
        out.out(line.rstrip(), highlight=False)


def make_table(*headings: str) -> Table:
    """Make an empty table without borders."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add a row of plain texts. Markup in them has no effect."""
    table.add_row(*(Text(sanitize(cell)) for cell in cells))


def format_value(value: object) -> str:
    """Return a value as sanitized text on one line, cut at 300 characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = sanitize(text)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."


def sanitize(text: str) -> str:
    """Escape control characters, which a terminal would execute, and shorten tokens."""
    return escape_unprintable(re.sub(_TOKEN, "eyJ...", text))
