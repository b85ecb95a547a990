"""Command ``drift``: compare what is deployed at a gateway with what the app requires."""

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from fastapi_cognito_guard.cli.inputs import load_app
from fastapi_cognito_guard.cli.option_names import replace_arguments
from fastapi_cognito_guard.cli.output import ExitCode, add_row, print_table, print_text
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
    count = len(deployed.routes)
    kind = "REST" if deployed.kind == "rest" else "HTTP"
    print_text(f"{_summarize(findings)} {count} route{'s' * (count != 1)} of the {kind} API {deployed.name}.")


def _list_places(places: list[str]) -> str:
    unique = list(dict.fromkeys(places))
    more = f" and {len(unique) - _MOST_LISTED} more" if len(unique) > _MOST_LISTED else ""
    return ", ".join(unique[:_MOST_LISTED]) + more


def _summarize(findings: list[Finding]) -> str:
    match _find_exit_code(findings):
        case ExitCode.YES:
            return "No difference that matters:"
        case ExitCode.UNDECIDED:
            return "Undecided, as far as the document says:"
    return "The gateway and the app differ:"


def _print_paragraph(text: str, *, indent: int) -> None:
    table = Table.grid()
    table.add_column(width=indent)
    table.add_column(overflow="fold")
    add_row(table, "", text)
    print_table(table)
