"""Command ``drift``: compare what is deployed at a gateway with what the app requires."""

import json
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from fastapi_cognito_guard.cli.inputs import load_app
from fastapi_cognito_guard.cli.option_names import replace_arguments
from fastapi_cognito_guard.cli.output import ExitCode, add_row, print_note, print_table, print_text
from fastapi_cognito_guard.deploy.drift.compare import find_drift
from fastapi_cognito_guard.deploy.drift.deployed import DeployedApi
from fastapi_cognito_guard.deploy.drift.document import read_document
from fastapi_cognito_guard.deploy.drift.expected import DriftOptions
from fastapi_cognito_guard.deploy.drift.findings import Finding, Level
from fastapi_cognito_guard.deploy.drift.values import MAX_BYTES
from fastapi_cognito_guard.errors import ConfigurationError

_TITLES: dict[Level, str] = {
    "danger": "DANGER: the gateway lets more through than the app's definition",
    "warning": "WARNING: callers whom the app takes are refused, or do not reach it",
    "undecided": "UNDECIDED: the document does not say it",
    "note": "NOTE: meant, or without effect",
}
_STYLES: dict[Level, str] = {
    "danger": "bold red",
    "warning": "bold yellow",
    "undecided": "bold",
    "note": "bold",
}
_MOST_LISTED = 10

Paths = list[str] | None


def drift(
    app: Annotated[
        str, typer.Argument(metavar="APP", help="module:app, or module:function that returns it.")
    ],
    document: Annotated[
        str,
        typer.Argument(metavar="DOCUMENT", help="The file that describes what is deployed; - reads input."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    api: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Its logical id or address, if there are several.", show_default=False
        ),
    ] = None,
    kind: Annotated[
        Literal["rest", "http"] | None,
        typer.Option(help="For an OpenAPI document that does not say it.", show_default=False),
    ] = None,
    leave_out: Annotated[
        Paths,
        typer.Option(
            metavar="PATH", help="Not compared: a path, or /docs/*. Repeatable.", show_default=False
        ),
    ] = None,
    left_to_app: Annotated[
        Paths,
        typer.Option(
            metavar="PATH",
            help="The gateway may be open there: the app verifies tokens. Repeatable.",
            show_default=False,
        ),
    ] = None,
    catch_all: Annotated[
        Paths,
        typer.Option(
            metavar="SCOPE",
            help="As in export: scopes of routes without any. Repeatable.",
            show_default=False,
        ),
    ] = None,
    authorizer_arn: Annotated[
        Paths,
        typer.Option(
            metavar="ARN",
            help="As in export: this function decides as the app does. Repeatable.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Compare a deployed gateway with what the app requires.

    DOCUMENT is JSON: an export of API Gateway, a template of CloudFormation
    or SAM, or the output of terraform show -json. Nothing is asked of AWS.
    """
    options = DriftOptions(
        leave_out=_check_paths("leave_out", leave_out),
        left_to_app=_check_paths("left_to_app", left_to_app),
        catch_all=catch_all or (),
        authorizer_arns=authorizer_arn or (),
    )
    deployed = read_document(_read(document), api=api, kind=kind)
    loaded = load_app(app)
    try:
        findings = find_drift(loaded, deployed, options)
    except ConfigurationError as error:
        raise ConfigurationError(replace_arguments(str(error)), setting=error.setting) from None
    if as_json:
        typer.echo(json.dumps([each._asdict() for each in findings], indent=2))
    else:
        _print_findings(findings, deployed)
    _note_lost_authorizers(deployed, options)
    raise typer.Exit(_find_exit_code(findings))


def _check_paths(setting: str, paths: Paths) -> list[str]:
    for path in paths or ():
        if not path.startswith("/"):
            option = "--" + setting.replace("_", "-")
            raise ConfigurationError(f"{option} takes paths: {option} '/docs/*'.", setting=setting)
    return paths or []


def _read(name: str) -> bytes:
    """Read the document, and one byte more than is allowed, so that the reader can refuse it."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(name).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{name} cannot be read: {reason}.") from None


def _find_exit_code(findings: list[Finding]) -> ExitCode:
    levels = {each.level for each in findings}
    if levels & {"danger", "warning"}:
        return ExitCode.NO
    return ExitCode.UNDECIDED if "undecided" in levels else ExitCode.YES


def _print_findings(findings: list[Finding], deployed: DeployedApi) -> None:
    for level, group in groupby(findings, key=lambda each: each.level):
        print_text(_TITLES[level], style=_STYLES[level])
        texts: dict[tuple[str, str], list[str]] = {}
        for each in group:
            texts.setdefault((each.code, each.text), []).append(each.where)
        for (code, text), places in texts.items():
            _print_paragraph(_list_places(places), indent=2)
            _print_paragraph(f"{text} [{code}]", indent=4)
        print_text()
    routes = _count(len(deployed.routes), "route")
    kind = "REST" if deployed.kind == "rest" else "HTTP"
    print_text(f"{_summarize(findings)} Compared: {routes} of the {kind} API {deployed.name}.")


def _list_places(places: list[str]) -> str:
    unique = list(dict.fromkeys(places))
    more = f" and {len(unique) - _MOST_LISTED} more" if len(unique) > _MOST_LISTED else ""
    return ", ".join(unique[:_MOST_LISTED]) + more


def _summarize(findings: list[Finding]) -> str:
    match _find_exit_code(findings):
        case ExitCode.YES:
            opened = len({each.where for each in findings if each.code == "left-to-app"})
            verb = "is" if opened == 1 else "are"
            open_routes = f"; {_count(opened, 'guarded route')} {verb} open at the gateway" if opened else ""
            return f"No difference that matters{open_routes}."
        case ExitCode.UNDECIDED:
            return "Undecided: the document does not say all."
    return _count_differences(findings)


def _count_differences(findings: list[Finding]) -> str:
    """Count the dangers and the warnings as they are printed, and the places where they are."""
    listed = [each for each in findings if each.level in ("danger", "warning")]
    levels = Counter(level for level, *_ in {(each.level, each.code, each.text) for each in listed})
    counts = [_count(levels[level], level) for level in ("danger", "warning") if levels[level]]
    return f"{' and '.join(counts)}, in {_count(len({each.where for each in listed}), 'place')}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _note_lost_authorizers(deployed: DeployedApi, options: DriftOptions) -> None:
    """Print a note if an option says that there was an authorizer, and no route has one."""
    given = [("--catch-all", options.catch_all), ("--authorizer-arn", options.authorizer_arns)]
    names = " and ".join(name for name, value in given if value)
    if names and not any(route.authorizer for route in deployed.routes):
        print_note(f"note: you gave {names}, but no route of the gateway has an authorizer.")


def _print_paragraph(text: str, *, indent: int) -> None:
    table = Table.grid()
    table.add_column(width=indent)
    table.add_column(overflow="fold")
    add_row(table, "", text)
    print_table(table)
