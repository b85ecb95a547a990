"""What people read: 80 columns, no colour where nobody looks, and nobody else's control characters."""

import json
import re
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

_LONGEST = 300
_TOKEN = r"eyJ[\w.=-]{16,}"

out = Console(highlight=False, soft_wrap=False)
err = Console(stderr=True, highlight=False)


def say(text: str = "", style: str = "") -> None:
    """A paragraph."""
    out.print(Text(clean(text), style=style))


def note(text: str) -> None:
    """Beside the answer, not part of it."""
    err.print(Text(clean(text), style="dim"))


def remark(text: str) -> None:
    """One line beside the answer, for programs that look for it, too."""
    err.print(Text(clean(text)), soft_wrap=True)


def fail(text: str) -> None:
    """One clear line of what is wrong."""
    remark(f"cognito-guard: {text}")


def facts(rows: Iterable[tuple[str, object]]) -> None:
    """Names and values; the rows without a value are left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        if value not in (None, "", (), [], {}):
            add(table, f"  {shown(name)}", shown(value))
    show(table)


def show(table: Table) -> None:
    """A table, without the blanks that fill its lines up."""
    with out.capture() as captured:
        out.print(table)
    for line in captured.get().splitlines():
        out.out(line.rstrip(), highlight=False)


def table(*headings: str) -> Table:
    """An empty table in the style of this house."""
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def add(listing: Table, *cells: str) -> None:
    """A row of texts, whoever wrote them: none of them is markup."""
    listing.add_row(*(Text(clean(cell)) for cell in cells))


def shown(value: object) -> str:
    """Somebody else's text, fit for a terminal: on one line, and not too long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = clean(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def clean(text: str) -> str:
    """Without control characters, which a terminal would obey, and without full tokens."""
    text = re.sub(_TOKEN, "eyJ...", text)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
