"""``routes``: who may call what, read from the app itself."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastapi_cognito_guard.app.routes import RouteInfo, list_routes
from fastapi_cognito_guard.audit import list_open_routes
from fastapi_cognito_guard.cli import exits
from fastapi_cognito_guard.cli.inputs import load_app
from fastapi_cognito_guard.cli.output import add, fail, say, show, table
from fastapi_cognito_guard.guard import installed_guard

if TYPE_CHECKING:
    from fastapi import FastAPI

App = Annotated[
    str | None,
    typer.Argument(
        metavar="[APP]",
        help="module:app, or module:function that makes it. By default what pyproject.toml names.",
        show_default=False,
    ),
]


def routes(
    app: App = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    fail_on_public: Annotated[
        bool, typer.Option(help="Exit with 1 if something asks nobody who they are.")
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="What may be public: a path as the route has it, or a subtree, /static/*. May be repeated.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """List the app's routes, and what each asks of its callers."""
    loaded = load_app(app)
    rows = list(_rows(loaded))
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    elif rows:
        _print(rows)
    else:
        say("The app has no routes of its own.")
    public = [way.where for way in list_open_routes(loaded) if not way.is_listed(allow or ())]
    if fail_on_public and public:
        fail(f"reached without a token: {', '.join(public)}")
        raise typer.Exit(exits.NO)


def _rows(app: "FastAPI") -> Iterator[dict[str, Any]]:
    ways = {way.where: way for way in list_open_routes(app)}
    closed = installed_guard(app).deny_by_default
    for demand in list_routes(app):
        way = ways.pop(str(demand), None)
        if demand.guarded or demand.iam or way is not None or closed:  # else a page of documentation
            yield _row(demand, is_public=way is not None)
    for way in ways.values():
        yield {"methods": [], "path": way.path, "guard": "public", "scopes": [], "groups": [], "claims": []}


def _row(demand: RouteInfo, *, is_public: bool) -> dict[str, Any]:
    guard = "public" if is_public else _guard(demand)
    return {
        "methods": ["WS"] if demand.websocket else sorted(demand.methods - {"HEAD"}) or ["any"],
        "path": demand.path,
        "guard": guard,
        "scopes": [list(names) for names in demand.scopes],
        "groups": [list(names) for names in demand.groups],
        "claims": [
            {"name": each.claim, "values": list(each.any_of)} for each in demand.requirements_of_kind("claim")
        ],
    }


def _guard(demand: RouteInfo) -> str:
    """Who may call: with neither question asked, ``deny_by_default`` takes any user."""
    if demand.iam:
        return "user, iam" if demand.guarded else "iam"
    return "optional" if demand.optional else "user"


def _print(rows: list[dict[str, Any]]) -> None:
    has_claims = any(row["claims"] for row in rows)
    listing = table("Method", "Path", "Guard", "Scopes", "Groups", *(["Claims"] if has_claims else []))
    for row in rows:
        claims = " and ".join(f"{each['name']}: {' or '.join(each['values'])}" for each in row["claims"])
        cells = [
            " ".join(row["methods"]),
            row["path"],
            row["guard"],
            _all(row["scopes"]),
            _all(row["groups"]),
        ]
        add(listing, *cells, *([claims] if has_claims else []))
    show(listing)


def _all(alternatives: list[list[str]]) -> str:
    """All of these, any one of each."""
    return " and ".join(" or ".join(names) for names in alternatives)
