"""``pool`` and ``token``: a local user pool, and tokens of it."""

import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from fastapi_cognito_guard.cli.output import note
from fastapi_cognito_guard.cli.running_pool import directory_at, noted
from fastapi_cognito_guard.cli.sign_in import request_machine_tokens, request_user_tokens
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing.emulator.directory import DOCS_REDIRECTS, Directory, LocalClient, LocalUser
from fastapi_cognito_guard.testing.emulator.pool import PORT, LocalPool, local_pool

File = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="Users, groups and clients in a TOML file.", show_default=False),
]
Port = Annotated[int, typer.Option(help="On 127.0.0.1.", min=0, max=65535)]


def pool(
    file: File = None,
    user: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:GROUP,...]",
            help="A user, and their groups, instead of ada and bob. May be repeated.",
            show_default=False,
        ),
    ] = None,
    client: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID[:SECRET]",
            help="An app client: one that users sign in to, or with a secret a machine. May be repeated.",
            show_default=False,
        ),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SCOPE", help="What each --client may ask for besides.", show_default=False),
    ] = None,
    port: Port = PORT,
) -> None:
    """Run a user pool on this machine, until Ctrl-C. It signs in whoever asks.

    Says what to put into the app's environment.
    """
    directory = directory_of(file, user or [], client or [], scope or [])
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with local_pool(directory, port=port) as local, noted(directory, port_of(local)):
        typer.echo(local.describe())
        note("Ctrl-C stops it.")
        stop.wait()


def token(
    user: Annotated[
        str | None, typer.Option(help="Whose. By default the first with these groups.", show_default=False)
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="GROUP", help="A user who is in it. May be repeated.", show_default=False),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE", help="Ask for it. By default all that the client has.", show_default=False
        ),
    ] = None,
    machine: Annotated[bool, typer.Option("--machine", help="A client's own token, of no user.")] = False,
    id_token: Annotated[bool, typer.Option("--id", help="The ID token, not the access token.")] = False,
    file: File = None,
    port: Port = PORT,
) -> None:
    """Print a token of the local pool that runs on this machine (`cognito-guard pool`).

    For example: curl -H "Authorization: Bearer $(cognito-guard token --group admins)" ...
    """
    if machine and (user or group or id_token):
        raise ConfigurationError(
            "A machine has no user, no groups and no ID token: drop --machine, or those."
        )
    directory = (directory_at(port) if file is None else None) or directory_of(file, [], [], [])
    address = f"http://127.0.0.1:{port}"
    if machine:
        given = request_machine_tokens(address, directory, scope or [])
    else:
        name = user or _member(directory, group or [])
        found = directory.user(name) or LocalUser(username=name)
        given = request_user_tokens(address, directory, found, scope or [])
    typer.echo(given["id_token" if id_token and not machine else "access_token"])


def port_of(local: LocalPool) -> int:
    """Where it listens."""
    return urlsplit(local.address).port or 0


def directory_of(file: Path | None, users: list[str], clients: list[str], scopes: list[str]) -> Directory:
    """What a file says, or the default; the options replace its users and clients."""
    directory = Directory() if file is None else Directory.from_toml(file)
    if users:
        directory = replace(directory, users=tuple(map(_user, users)))
    if clients:
        directory = replace(directory, clients=tuple(map(_client, clients)))
    if scopes:
        extended = (replace(each, scopes=(*each.scopes, *scopes)) for each in directory.clients)
        directory = replace(directory, clients=tuple(extended))
    return directory


def _user(text: str) -> LocalUser:
    name, _, groups = text.partition(":")
    return LocalUser(username=name, groups=tuple(filter(None, groups.split(","))))


def _client(text: str) -> LocalClient:
    name, _, secret = text.partition(":")
    if secret:
        return LocalClient(id=name, secret=secret, scopes=())
    return LocalClient(id=name, callback_urls=DOCS_REDIRECTS)


def _member(directory: Directory, groups: list[str]) -> str:
    for user in directory.users:
        if set(groups) <= set(user.groups):
            return user.username
    raise ConfigurationError(
        f"No user of the pool is in {' and '.join(groups) or 'it'}: add one to its file."
    )
