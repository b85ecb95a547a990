"""Command ``routes``: list what each route of an app requires."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastapi_cognito_guard.app.routes import RouteInfo, list_routes
from fastapi_cognito_guard.audit import audit, list_open_routes, list_unseen_mounts
from fastapi_cognito_guard.cli.changes_view import print_changes
from fastapi_cognito_guard.cli.inputs import App, check_alone, load_app
from fastapi_cognito_guard.cli.output import (
    ExitCode,
    add_row,
    make_table,
    print_error,
    print_note,
    print_table,
    print_text,
)
from fastapi_cognito_guard.cli.revisions import read_earlier_snapshot
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import installed_guard
from fastapi_cognito_guard.matrix.changes import compare
from fastapi_cognito_guard.matrix.snapshot import take_snapshot
from fastapi_cognito_guard.policy import LISTED_KINDS

if TYPE_CHECKING:
    from fastapi import FastAPI

_REQUIREMENTS = ("scopes", "groups", "claims", "others")


def routes(
    app: App = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    fail_on_public: Annotated[
        bool, typer.Option(help="Exit with 1 if a route is public that --allow does not list.")
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="A path that may be public, as the route writes it, or a subtree: /static/*. Repeatable.",
            show_default=False,
        ),
    ] = None,
    allow_declared: Annotated[
        bool,
        typer.Option(
            "--allow-declared", help="Allow routes that declare themselves public, too (security: [])."
        ),
    ] = False,
    diff: Annotated[
        str | None,
        typer.Option(
            metavar="OLD",
            help="List changes since OLD: a file of matrix --write, or a git revision.",
            show_default=False,
        ),
    ] = None,
    allow_wider: Annotated[
        bool, typer.Option(help="With --diff: exit with 0 also if access got wider.")
    ] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="With --diff: print Markdown.")] = False,
) -> None:
    """List the app's routes, and what each requires of its callers."""
    check_alone(diff=diff, json=as_json)
    check_alone(diff=diff, fail_on_public=fail_on_public)
    if allow_declared and not fail_on_public:
        raise ConfigurationError("--allow-declared goes with --fail-on-public.")
    if diff is None and (allow_wider or as_markdown):
        raise ConfigurationError("--allow-wider and --markdown go with --diff: routes --diff main.")
    loaded = load_app(app)
    if diff is not None:
        _print_diff(loaded, diff, app, allow_wider=allow_wider, as_markdown=as_markdown)
        return
    rows = list(_list_rows(loaded))
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    elif rows:
        _print_rows(rows)
    else:
        print_text("The app has no routes of its own.")
    _print_unresolved(loaded)
    public = [
        route.where
        for route in list_open_routes(loaded)
        if not (route.is_listed(allow or ()) or (allow_declared and route.declared))
    ]
    if fail_on_public and public:
        print_error(f"reached without a token: {', '.join(public)}")
        raise typer.Exit(ExitCode.NO)


def _print_unresolved(app: "FastAPI") -> None:
    """Name the parameters that FastAPI reads from the query although a dependency may be meant."""
    for finding in audit(app):
        if finding.code == "unresolved":
            print_note(f"warning: {finding}")


def _print_diff(
    app: "FastAPI", old: str, target: str | None, *, allow_wider: bool, as_markdown: bool
) -> None:
    """Print the changes of access. Exit with 1 if somebody may do what nobody of their kind could before."""
    changes = compare(read_earlier_snapshot(old, target), take_snapshot(app))
    if not changes:
        print_text(f"No route changed its access since {old}.")
        return
    print_changes(changes, as_markdown=as_markdown)
    wider = [change.where for change in changes if change.is_wider]
    if wider and not allow_wider:
        print_error(f"wider than in {old}: {', '.join(wider)}. If that is meant: --allow-wider.")
        raise typer.Exit(ExitCode.NO)


def _list_rows(app: "FastAPI") -> Iterator[dict[str, Any]]:
    """List all routes but documentation pages, then open mounts, whose routes are unknown."""
    open_routes = {route.where: route for route in list_open_routes(app)}
    is_closed = installed_guard(app).deny_by_default
    for route in list_routes(app):
        is_open = open_routes.pop(str(route), None) is not None
        if route.guarded or route.iam or is_open or is_closed:
            yield _build_row(route, is_public=is_open)
    for mount in list_unseen_mounts(app) if is_closed else ():
        if mount.where not in open_routes:
            yield _build_mount_row(mount.path, "user")
    for mount in open_routes.values():
        yield _build_mount_row(mount.path, "public")


def _build_mount_row(path: str, guard: str) -> dict[str, Any]:
    return {"methods": [], "path": path, "guard": guard, **dict.fromkeys(_REQUIREMENTS, ())}


def _build_row(route: RouteInfo, *, is_public: bool) -> dict[str, Any]:
    return {
        "methods": ["WS"] if route.websocket else sorted(route.methods - {"HEAD"}) or ["any"],
        "path": route.path,
        "guard": _describe_open(route) if is_public else _describe_guard(route),
        "scopes": [list(names) for names in route.scopes],
        "groups": [list(names) for names in route.groups],
        "claims": [
            {"name": each.claim, "values": list(each.any_of)} for each in route.requirements_of_kind("claim")
        ],
        "others": [each.label for each in route.requirements if each.kind not in LISTED_KINDS],
    }


def _describe_open(route: RouteInfo) -> str:
    """Describe a route without a guard. ``unresolved``: it may be meant to have one, see `audit`."""
    return "unresolved" if route.unresolved else "public"


def _describe_guard(route: RouteInfo) -> str:
    """Describe the callers. A route without dependencies is ``user``: ``deny_by_default`` guards it."""
    if route.iam:
        return "user, iam" if route.guarded else "iam"
    return "optional" if route.optional else "user"


def _print_rows(rows: list[dict[str, Any]]) -> None:
    shown = [name for name in ("claims", "others") if any(row[name] for row in rows)]
    table = make_table("Method", "Path", "Guard", "Scopes", "Groups", *map(str.capitalize, shown))
    for row in rows:
        texts = {
            "claims": " and ".join(
                f"{each['name']}: {' or '.join(each['values'])}" for each in row["claims"]
            ),
            "others": " and ".join(row["others"]),
        }
        cells = [
            " ".join(row["methods"]),
            row["path"],
            row["guard"],
            _join_names(row["scopes"]),
            _join_names(row["groups"]),
        ]
        add_row(table, *cells, *(texts[name] for name in shown))
    print_table(table)


def _join_names(requirements: list[list[str]]) -> str:
    """Join requirements by ``and``, the names of each by ``or``."""
    return " and ".join(" or ".join(names) for names in requirements)
