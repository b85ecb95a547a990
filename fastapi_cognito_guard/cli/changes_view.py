"""Changes of access, for a terminal and for a pull request."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

import typer

from fastapi_cognito_guard.cli.output import out, print_text
from fastapi_cognito_guard.matrix.changes import Change
from fastapi_cognito_guard.matrix.markdown import format_code, format_row

_MOST_NAMES = 8
_INDENT = " " * 10


def print_changes(changes: Sequence[Change], *, as_markdown: bool = False) -> None:
    """Print changes, those that widen access first."""
    if as_markdown:
        typer.echo("\n".join(_list_rows(changes)))
        return
    for change in changes:
        _print_wrapped(f"{change.kind.upper():9} ", change.where, style="bold" if change.is_wider else "")
        for name, text in _list_facts(change):
            _print_wrapped(f"{_INDENT}{name}: ", text)


def _print_wrapped(first: str, text: str, style: str = "") -> None:
    """Print a text, whose further lines are indented. Names are not broken at their hyphens."""
    indent = " " * len(first)
    for line in wrap(text, out.width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False):
        print_text(line, style)


def _list_facts(change: Change) -> Iterator[tuple[str, str]]:
    facts = {
        "was": change.before,
        "now": change.after,
        "may now": "" if change.kind == "public" else _join(change.gained),
        "no more": _join(change.lost),
    }
    yield from ((name, text) for name, text in facts.items() if text)


def _join(names: Sequence[str]) -> str:
    more = [f"and {len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else []
    return "; ".join([*names[:_MOST_NAMES], *more])


def _list_rows(changes: Sequence[Change]) -> Iterator[str]:
    yield format_row(["change", "where", "was", "now", "may now", "no more"])
    yield format_row(["---"] * 6)
    for change in changes:
        kind = f"**{change.kind}**" if change.is_wider else change.kind
        texts = [change.before, change.after, _join(change.gained), _join(change.lost)]
        yield format_row(
            [kind, format_code(change.where), *(format_code(each) if each else "" for each in texts)]
        )
