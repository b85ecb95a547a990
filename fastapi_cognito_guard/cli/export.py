"""Command ``export``: print an API Gateway definition built from the app's routes."""

import json
from typing import Annotated, Any, Literal

import typer

from fastapi_cognito_guard.cli.inputs import App, load_app
from fastapi_cognito_guard.cli.option_names import print_log_records, replace_arguments
from fastapi_cognito_guard.cli.output import format_value
from fastapi_cognito_guard.deploy.export import export as build_definition
from fastapi_cognito_guard.errors import ConfigurationError

Kind = Annotated[
    Literal["rest", "http"], typer.Option(help="A REST API (Cognito authorizer) or an HTTP API (JWT).")
]
UserPoolArns = Annotated[
    list[str] | None,
    typer.Option(metavar="ARN", help="ARN of the user pool. REST needs it. Repeatable.", show_default=False),
]
LambdaArn = Annotated[
    str | None,
    typer.Option(metavar="ARN", help="ARN of the function with lambda_handler(app).", show_default=False),
]
AuthorizerArn = Annotated[
    str | None,
    typer.Option(
        metavar="ARN",
        help="ARN of a function with lambda_authorizer, which decides on groups and claims, too.",
        show_default=False,
    ),
]
AuthorizerFor = Annotated[
    Literal["beyond", "all"],
    typer.Option(help="Its routes: those a gateway's own authorizer cannot decide, or all that are guarded."),
]
CatchAll = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SCOPE",
        help="REST: routes without scopes take access tokens with one of these scopes. Repeatable.",
        show_default=False,
    ),
]
Beyond = Annotated[
    Literal["refuse", "app"],
    typer.Option(
        help="Routes that a gateway cannot decide: refuse the export, or leave the rest to the app."
    ),
]
Issuer = Annotated[
    list[str] | None,
    typer.Option(
        metavar="URL",
        help="JWT authorizer: instead of the pool's first issuer. REST: repeatable.",
        show_default=False,
    ),
]
Audience = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLIENT",
        help="JWT authorizer: instead of the guard's clients. Repeatable.",
        show_default=False,
    ),
]
LeaveOut = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH", help="A path to leave out, or a subtree: /docs/*. Repeatable.", show_default=False
    ),
]
RestAuthorizer = Annotated[
    Literal["cognito", "jwt"],
    typer.Option(help="REST: the authorizer for user pools, or the one for JWTs, which compares aud."),
]
BinaryMediaTypes = Annotated[
    list[str] | None,
    typer.Option(
        "--binary-media-type",
        metavar="TYPE",
        help="REST: a media type to decode from base64, or */* for all. Repeatable.",
        show_default=False,
    ),
]
Quota = Annotated[int, typer.Option(help="Your quota of resources (REST) or routes (HTTP) per API.")]


def export(
    app: App = None,
    kind: Kind = "rest",
    user_pool_arn: UserPoolArns = None,
    lambda_arn: LambdaArn = None,
    authorizer_arn: AuthorizerArn = None,
    authorizer_for: AuthorizerFor = "beyond",
    catch_all: CatchAll = None,
    beyond: Beyond = "refuse",
    issuer: Issuer = None,
    audience: Audience = None,
    leave_out: LeaveOut = None,
    quota: Quota = 300,
    rest_authorizer: RestAuthorizer = "cognito",
    binary_media_types: BinaryMediaTypes = None,
) -> None:
    """Print an API Gateway definition (OpenAPI 3.0.1) of the app's own routes.

    Every route gets the authorizer and the scopes that it requires.

    ARNs, the issuer and the audience may have ${Name.Arn} for CloudFormation, or be a function in JSON.
    """
    _print_definition(
        app,
        kind,
        user_pool_arn=_parse_values(user_pool_arn),
        lambda_arn=_parse_value(lambda_arn),
        authorizer_arn=_parse_value(authorizer_arn),
        authorizer_for=authorizer_for,
        catch_all=catch_all or (),
        beyond=beyond,
        issuer=_parse_issuers(issuer),
        audience=_parse_values(audience),
        leave_out=leave_out or (),
        quota=quota,
        rest_authorizer=rest_authorizer,
        binary_media_types=binary_media_types or (),
    )


def _print_definition(app: str | None, kind: Literal["rest", "http"], **options: Any) -> None:
    loaded = load_app(app)
    try:
        with print_log_records():
            document = build_definition(loaded, kind, **options)
    except ConfigurationError as error:
        raise ConfigurationError(replace_arguments(str(error)), setting=error.setting) from None
    typer.echo(json.dumps(document, indent=2))


def _parse_values(texts: list[str] | None) -> Any:
    """Parse a repeated option. A single function stands for the whole list."""
    values = [_parse_value(text) for text in texts or ()]
    return values[0] if len(values) == 1 and isinstance(values[0], dict) else values or None


def _parse_issuers(texts: list[str] | None) -> Any:
    values = [_parse_value(text) for text in texts or ()]
    return values[0] if len(values) == 1 else values or None


def _parse_value(text: str | None) -> Any:
    """Parse a CloudFormation function from JSON; return other text unchanged."""
    if text is None or not text.startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise ConfigurationError(
            f'{format_value(text)} is not a CloudFormation function in JSON: write {{"Ref": "Name"}}.'
        ) from None
