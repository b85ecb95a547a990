"""Commands ``pool`` and ``token``: run a local user pool, and print its tokens.

The emulator is imported inside the commands, so that no other command loads the test kit.
"""

import signal
import threading
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from fastapi_cognito_guard.cli.output import print_error, print_hint
from fastapi_cognito_guard.errors import ConfigurationError

_PORT = 9229

File = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="A TOML file with users, groups and clients.", show_default=False),
]
Port = Annotated[int, typer.Option(help="The port on 127.0.0.1.", min=0, max=65535)]

NewUsers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME[:GROUP,...]",
        help="A user and their groups. Replaces the default users, ada and bob. Repeatable.",
        show_default=False,
    ),
]
NewClients = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID[:SECRET]",
        help="An app client for sign-ins, or with a secret for client_credentials. Repeatable.",
        show_default=False,
    ),
]
NewScopes = Annotated[
    list[str] | None,
    typer.Option(metavar="SCOPE", help="A further scope of each client. Repeatable.", show_default=False),
]

User = Annotated[
    str | None, typer.Option(help="The user. By default the first one in all --group.", show_default=False)
]
Groups = Annotated[
    list[str] | None,
    typer.Option(metavar="GROUP", help="A group that the user is in. Repeatable.", show_default=False),
]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SCOPE",
        help="A scope to request. By default all that the client has and the user may have. Repeatable.",
        show_default=False,
    ),
]
Machine = Annotated[
    bool, typer.Option("--machine", help="A token of a client, without a user (client_credentials).")
]
Callbacks = Annotated[
    list[str] | None,
    typer.Option(
        "--callback",
        metavar="URL",
        help="A further callback URL of each client for sign-ins. Repeatable.",
        show_default=False,
    ),
]
PrintsEnv = Annotated[
    bool, typer.Option("--env", help="Print only the variables of the pool that runs, as export lines.")
]
IdToken = Annotated[bool, typer.Option("--id", help="The ID token, not the access token.")]


def pool(
    file: File = None,
    user: NewUsers = None,
    client: NewClients = None,
    scope: NewScopes = None,
    callback: Callbacks = None,
    env: PrintsEnv = False,
    port: Port = _PORT,
) -> None:
    """Run a user pool on this machine, until Ctrl-C. It signs in any of its users on request.

    Prints the variables for CognitoGuard.from_env(). For another shell:

    eval "$(cognito-guard pool --env)"
    """
    from fastapi_cognito_guard.cli.running_pool import build_directory, record_directory
    from fastapi_cognito_guard.testing.emulator.pool import local_pool

    if env:
        if file or user or client or scope or callback:
            raise ConfigurationError("--env asks the pool that runs: give no other option than --port.")
        _print_env(port)
        return
    directory = build_directory(file, user or [], client or [], scope or [], callback or [])
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with (
        local_pool(directory, port=port) as local,
        record_directory(directory, urlsplit(local.address).port or 0),
    ):
        typer.echo(local.describe())
        print_hint("Ctrl-C stops it.")
        stop.wait()


def _print_env(port: int) -> None:
    """Print the variables for an app, which a shell evaluates. Raises `ConfigurationError` without a pool."""
    from fastapi_cognito_guard.cli.running_pool import read_directory
    from fastapi_cognito_guard.testing.emulator.pool import build_settings, format_exports

    directory = read_directory(port)
    if directory is None:
        raise ConfigurationError(
            f"No local pool of yours at 127.0.0.1:{port}: start one, in another terminal, with "
            "`cognito-guard pool`."
        )
    typer.echo("\n".join(format_exports(build_settings(directory, f"http://127.0.0.1:{port}"))))


def token(
    user: User = None,
    group: Groups = None,
    scope: Scopes = None,
    machine: Machine = False,
    id_token: IdToken = False,
    file: File = None,
    port: Port = _PORT,
) -> None:
    """Print a token of the local pool that runs on this machine (see cognito-guard pool).

    For example:

    curl -H "Authorization: Bearer $(cognito-guard token)" 127.0.0.1:8000/me
    """
    if machine and (user or group or id_token):
        raise ConfigurationError(
            "A machine has no user, no groups and no ID token: drop --machine, or --user, --group and --id."
        )
    tokens, suppressed = _request_tokens(
        port, file, scope or [], machine=machine, user=user, groups=group or []
    )
    kind = "id_token" if id_token else "access_token"
    if kind not in tokens:  # OpenID Connect Core section 3.1.2.1
        raise ConfigurationError("Without the scope openid there is no ID token: add --scope openid.")
    expected = set(scope) if scope else suppressed if not id_token else set()  # an ID token has no scopes
    missing = sorted(expected - _read_scopes(tokens["access_token"]))
    if missing:  # Cognito gives a token without them, too
        names = ", ".join(missing)
        print_error(f"the token is without {names}: the pool has this in suppressed_scopes of the user.")
    typer.echo(tokens[kind])


def _read_scopes(token: str) -> set[str]:
    from fastapi_cognito_guard.cli.token_view import decode_token

    return set(str((decode_token(token).claims or {}).get("scope", "")).split())


def _request_tokens(
    port: int, file: Path | None, scopes: list[str], *, machine: bool, user: str | None, groups: list[str]
) -> tuple[dict[str, str], set[str]]:
    """Return the tokens, and the scopes of the client that this user's tokens never have."""
    from fastapi_cognito_guard.cli import sign_in
    from fastapi_cognito_guard.cli.running_pool import build_directory, find_member, read_directory

    directory = (read_directory(port) if file is None else None) or build_directory(file, [], [], [])
    address = f"http://127.0.0.1:{port}"
    if machine:
        return sign_in.request_machine_tokens(address, directory, scopes), set()
    name = user or find_member(directory, groups)
    tokens = sign_in.request_user_tokens(address, directory, name, scopes)
    return tokens, sign_in.list_suppressed_scopes(directory, name)
