"""``export``: an API Gateway definition from the app's own routes."""

import json
from typing import Annotated, Any, Literal

import typer

from fastapi_cognito_guard.cli.inputs import load_app
from fastapi_cognito_guard.cli.option_names import as_options, notes_beside
from fastapi_cognito_guard.cli.output import shown
from fastapi_cognito_guard.cli.routes import App
from fastapi_cognito_guard.deploy.export import export as definition_of
from fastapi_cognito_guard.errors import ConfigurationError

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
    issuer: Annotated[
        str | None,
        typer.Option(metavar="URL", help="HTTP: instead of the pool's own.", show_default=False),
    ] = None,
    audience: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLIENT",
            help="HTTP: instead of the guard's clients. May be repeated.",
            show_default=False,
        ),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="A path that it is not to know.", show_default=False),
    ] = None,
    quota: Annotated[
        int, typer.Option(help="How many resources (REST) or routes (HTTP) an API of yours may have.")
    ] = 300,
) -> None:
    """Print an API Gateway definition (OpenAPI 3.0.1) of the app's own routes.

    Every route gets the authorizer and the scopes that it asks for.

    ARNs, the issuer and the audience may have ${Name.Arn} for CloudFormation, or be a function in JSON.
    """
    given: dict[str, Any] = {
        "user_pool_arn": _values(user_pool_arn),
        "lambda_arn": _value(lambda_arn),
        "authorizer_arn": _value(authorizer_arn),
        "authorizer_for": authorizer_for,
        "catch_all": catch_all or (),
        "beyond": beyond,
        "issuer": _value(issuer),
        "audience": _values(audience),
        "leave_out": leave_out or (),
        "quota": quota,
    }
    loaded = load_app(app)
    try:
        with notes_beside():
            document = definition_of(loaded, kind, **given)
    except ConfigurationError as error:
        raise ConfigurationError(as_options(str(error)), setting=error.setting) from None
    typer.echo(json.dumps(document, indent=2))


def _values(texts: list[str] | None) -> Any:
    """Several values; one alone may be a function that gives them all."""
    values = [_value(text) for text in texts or ()]
    return values[0] if len(values) == 1 and isinstance(values[0], dict) else values or None


def _value(text: str | None) -> Any:
    """Text as it is, and a CloudFormation function as what it says."""
    if text is None or not text.startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise ConfigurationError(f"{shown(text)} is no CloudFormation function in JSON.") from None
