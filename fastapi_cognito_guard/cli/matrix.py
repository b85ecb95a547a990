"""Command ``matrix``: who may do what in an app, as a table, as a page and as a file for review."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fastapi_cognito_guard.cli.changes_view import print_changes
from fastapi_cognito_guard.cli.inputs import App, check_alone, load_app, read_text
from fastapi_cognito_guard.cli.matrix_view import print_matrices
from fastapi_cognito_guard.cli.output import ExitCode, print_error, print_hint, print_text
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.matrix import DOORS, Caller, Door, Matrix, build_matrix, read_callers
from fastapi_cognito_guard.matrix.changes import compare
from fastapi_cognito_guard.matrix.markdown import format_matrix
from fastapi_cognito_guard.matrix.review_file import FILE_BEGINS, read_snapshot, write_snapshot
from fastapi_cognito_guard.matrix.snapshot import take_snapshot

if TYPE_CHECKING:
    from fastapi import FastAPI


def matrix(
    app: App = None,
    callers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Callers as TOML. By default those that routes tell apart.",
            show_default=False,
        ),
    ] = None,
    door: Annotated[
        Literal["standalone", "rest", "http", "lambda", "all"] | None,
        typer.Option(
            metavar="DOOR",
            help="standalone (by default), rest, http, lambda or all: how the app is reached.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page for all doors; - prints it.", show_default=False),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Send the request of each cell, and compare.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the file for review; - prints it.", show_default=False),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Exit with 1 if the app differs from the reviewed file.", show_default=False
        ),
    ] = None,
) -> None:
    """Show who may do what: the routes of an app by its callers."""
    check_alone(json=as_json, html=html, measure=measure, write=write, check=check)
    check_alone(markdown=as_markdown, json=as_json, html=html, measure=measure, write=write)
    for name, value in (("html", html), ("write", write), ("check", check)):
        check_alone(**{name: value, "door": door})
    for name, value in (("write", write), ("check", check)):
        check_alone(**{name: value, "callers": callers})
    loaded = load_app(app)
    given = None if callers is None else read_callers(read_text(callers))
    doors: Sequence[Door] = DOORS if door == "all" else (door or "standalone",)
    if write is not None:
        _write(write, write_snapshot(take_snapshot(loaded)), begins=FILE_BEGINS)
    elif check is not None:
        _check(loaded, check, as_markdown=as_markdown)
    elif html is not None:
        _write_page(loaded, given, html)
    elif measure:
        _measure(loaded, given, doors)
    else:
        _print([build_matrix(loaded, given, door=each) for each in doors], as_json, as_markdown)


def _check(app: "FastAPI", file: Path, *, as_markdown: bool) -> None:
    """Compare an app with its reviewed file. Exit with 1 if they differ."""
    if not file.exists():
        raise ConfigurationError(f"There is no {file}: create it with --write {file}.")
    text, snapshot = read_text(file), take_snapshot(app)
    changes = compare(read_snapshot(text), snapshot)
    if not changes and text == write_snapshot(snapshot):
        print_text(f"{file} is up to date: {len(snapshot.routes)} routes.")
        return
    if changes:
        print_changes(changes, as_markdown=as_markdown)
        print_error(f"the app differs from {file}: review this, and write the file anew with --write.")
    else:
        print_error(f"{file} says what the app says, in another form: write it anew with --write.")
    raise typer.Exit(ExitCode.NO)


def _write_page(app: "FastAPI", callers: Sequence[Caller] | None, file: Path) -> None:
    from fastapi_cognito_guard.matrix.page import build_page

    page = build_page([build_matrix(app, callers, door=each) for each in DOORS])
    _write(file, page, begins="<!doctype html")


def _measure(app: "FastAPI", callers: Sequence[Caller] | None, doors: Sequence[Door]) -> None:
    # Imported here: the other forms need no test kit.
    from fastapi_cognito_guard.testing.measure import measure_matrix

    failed = False
    for door in doors:
        print_hint(f"Measuring {door} ...")
        try:
            found = measure_matrix(app, callers, door=door)
        except AssertionError as error:
            failed = True
            for line in str(error).splitlines():
                print_text(line)
        else:
            cells = len(found.rows) * len(found.callers)
            print_text(f"{door}: {cells} cells measured, all as computed.")
    if failed:
        raise typer.Exit(ExitCode.NO)


def _print(matrices: Sequence[Matrix], as_json: bool, as_markdown: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_build_json(matrices), indent=2))
    elif as_markdown:
        for each in matrices:
            title = f"## {each.door}\n\n" if len(matrices) > 1 else ""
            typer.echo(f"{title}{format_matrix(each)}\n")
    else:
        print_matrices(matrices)


def _build_json(matrices: Sequence[Matrix]) -> dict[str, Any]:
    return {
        "app": matrices[0].title,
        "callers": [caller.name for caller in matrices[0].callers],
        "doors": {
            each.door: [
                {
                    "route": row.route.name,
                    "answers": {
                        caller.name: answer._asdict()
                        for caller, answer in zip(each.callers, row.answers, strict=True)
                    },
                }
                for row in each.rows
            ]
            for each in matrices
        },
    }


def _write(file: Path, text: str, *, begins: str) -> None:
    """Write a file, unless it exists and does not begin as such a file does."""
    if str(file) == "-":
        typer.echo(text, nl=False)
        return
    if file.exists() and not read_text(file)[: len(begins)].lower() == begins.lower():
        raise ConfigurationError(f"{file} is another file: remove it first, or name another one.")
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {type(error).__name__}.") from None
    print_text(f"Wrote {file}.")
