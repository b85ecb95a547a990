"""``export``: an API Gateway definition from the app's own routes."""

import json
from typing import Annotated, Any, Literal

import typer

from fastapi_cognito_guard.cli.reading import app_from
from fastapi_cognito_guard.cli.routes import App
from fastapi_cognito_guard.deploy.export import export as definition_of

Arns = Annotated[
    list[str] | None,
    typer.Option(metavar="ARN", help="Of the user pool; REST needs it. May be repeated.", show_default=False),
]


def export(
    app: App = None,
    kind: Annotated[
        Literal["rest", "http"], typer.Option(help="A REST API (Cognito authorizer) or an HTTP API (JWT).")
    ] = "rest",
    user_pool_arn: Arns = None,
    lambda_arn: Annotated[
        str | None,
        typer.Option(metavar="ARN", help="Of the function with lambda_handler(app).", show_default=False),
    ] = None,
    authorizer_arn: Annotated[
        str | None,
        typer.Option(
            metavar="ARN",
            help="Of a function with lambda_authorizer: it decides on groups and the like.",
            show_default=False,
        ),
    ] = None,
    authorizer_for: Annotated[
        Literal["beyond", "all"],
        typer.Option(help="What it decides: only what a gateway cannot, or all that is not open."),
    ] = "beyond",
    catch_all: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE",
            help="REST: lets routes without scopes take access tokens that have one of these.",
            show_default=False,
        ),
    ] = None,
    beyond: Annotated[
        Literal["refuse", "app"],
        typer.Option(help="Routes that ask for more than a gateway can say: refuse, or leave it to the app."),
    ] = "refuse",
    leave_out: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="A path that it is not to know.", show_default=False),
    ] = None,
) -> None:
    """Print an API Gateway definition (OpenAPI 3.0.1) of the app's own routes.

    Every route gets the authorizer and the scopes that it asks for.
    """
    given: dict[str, Any] = {
        "user_pool_arn": user_pool_arn or None,
        "lambda_arn": lambda_arn,
        "authorizer_arn": authorizer_arn,
        "authorizer_for": authorizer_for,
        "catch_all": catch_all or (),
        "beyond": beyond,
        "leave_out": leave_out or (),
    }
    typer.echo(json.dumps(definition_of(app_from(app), kind, **given), indent=2))
