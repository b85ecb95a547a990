"""The page as one file: the table, its data for scripts, its style and its script."""

import datetime
import json
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import Any

from fastapi_cognito_guard.matrix.answers import Answer
from fastapi_cognito_guard.matrix.markdown import format_answer
from fastapi_cognito_guard.matrix.page.html import format_doors, format_legend, format_table, format_text
from fastapi_cognito_guard.matrix.page.rows import (
    PageRow,
    check_matrices,
    differs,
    group_rows,
    list_answers,
    merge_rows,
)
from fastapi_cognito_guard.matrix.page.words import (
    DOORS,
    choose_style,
    describe_answer,
    describe_caller,
    describe_route,
)
from fastapi_cognito_guard.matrix.table import Matrix
from fastapi_cognito_guard.validation import escape_unprintable

_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}


def build_page(matrices: Sequence[Matrix], *, date: datetime.date | None = None) -> str:
    """Return a page that shows matrices of one app, one for each door. The first is shown first.

    The same matrices give the same page; ``date`` is shown if it is given. The page loads nothing, and is a
    whole table without JavaScript. Raises `ConfigurationError` for matrices that do not belong together.
    """
    check_matrices(matrices)
    first = matrices[0]
    rows = merge_rows(matrices)
    groups = group_rows(rows)
    rows = tuple(row for group in groups for row in group.rows)
    style, script = _read("page.css"), _read("page.js")
    return Template(_read("page.html")).substitute(
        title=format_text(first.title),
        date=f" As of {date.isoformat()}." if date else "",
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        doors=format_doors(matrices),
        legend=format_legend(
            list_answers(rows), is_marked=any(differs(cell) for row in rows for cell in row.cells)
        ),
        table=format_table(first.callers, groups, len(matrices)),
        data=_format_data(matrices, rows),
    )


def _format_data(matrices: Sequence[Matrix], rows: Sequence[PageRow]) -> str:
    """Return what the script reads, as JSON that no text in it can end.

    A cell has the numbers of its answers, one for each door; -1 where a door has no such route.
    """
    answers = list_answers(rows)
    numbers: dict[Answer | None, int] = {answer: number for number, answer in enumerate(answers)}
    numbers[None] = -1
    content = {
        "doors": [DOORS[each.door].name for each in matrices],
        "callers": [
            {"name": each.name, "words": describe_caller(each), "nobody": each.kind == "nobody"}
            for each in matrices[0].callers
        ],
        "answers": list(map(_describe, answers)),
        "routes": [
            {
                "name": row.route.name,
                "requires": describe_route(row.route),
                "cells": [[numbers[answer] for answer in cell] for cell in row.cells],
            }
            for row in rows
        ],
    }
    return json.dumps(_escape(content), separators=(",", ":")).translate(_ESCAPES)


def _describe(answer: Answer) -> dict[str, str]:
    is_refusal = answer.status is not None and not answer.allowed
    return {
        "word": format_answer(answer),
        "style": choose_style(answer),
        "words": describe_answer(answer),
        "short": f"{answer.status} by the {answer.by}" if is_refusal else format_answer(answer),
        "code": answer.code if is_refusal else "",
        "rule": answer.rule,
    }


def _escape(value: Any) -> Any:
    """Return a value in whose texts characters that cannot be seen are escaped."""
    match value:
        case str():
            return escape_unprintable(value)
        case list():
            return list(map(_escape, value))
        case dict():
            return {name: _escape(each) for name, each in value.items()}
    return value


@cache
def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """Return the source of an inline style or script for a Content-Security-Policy."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
