"""Command ``jwks pull``: write a pool's public keys to a file, for functions that cannot reach the pool."""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

import typer

from fastapi_cognito_guard import settings
from fastapi_cognito_guard.addresses import is_loopback
from fastapi_cognito_guard.cli.output import ExitCode, err, print_error, print_hint, print_text
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.network_errors import LOOPBACK_ADVICE
from fastapi_cognito_guard.pool import ANY_CLIENT, KeyPolicy, UserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.fetch import fetch_over_https
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys


class FetchedKeys(NamedTuple):
    """Key document, number of usable keys in it, and duration of the fetch in seconds."""

    document: bytes
    usable: int
    seconds: float


class CannotFetch(Exception):
    """Failed fetch of a pool's keys. The text is the reason, and what to check."""


def pull(
    pool_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[POOL_ID]", help="By default this environment's COGNITO_...", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write; - is standard output.")
    ] = Path("jwks.json"),
) -> None:
    """Fetch the pool's public keys into a file, for COGNITO_JWKS_FILE.

    Exits with 3 if they cannot be fetched; an existing file is left unchanged then.
    """
    address = find_pool(pool_id).keys_address
    try:
        with err.status("Fetching the pool's keys"):
            fetched = fetch_keys(address)
    except CannotFetch as error:
        print_error(f"the keys cannot be fetched: {error}")
        raise typer.Exit(ExitCode.UNDECIDED) from None
    if str(output) == "-":
        typer.echo(fetched.document)
        return
    _write(output, fetched.document)
    print_text(f"{fetched.usable} keys in {output}. Set COGNITO_JWKS_FILE={output}")
    print_hint("Pull them again when the pool rotates its keys. AWS does not announce when.")


def fetch_keys(address: str) -> FetchedKeys:
    """Fetch the keys at an address as a guard does. Raises `CannotFetch`."""
    documents: list[bytes] = []

    async def fetch(address: str) -> bytes:
        documents.append(await fetch_over_https(address))
        return documents[0]

    started = time.monotonic()
    keys = RemoteKeys(address, KeyPolicy(), fetch=fetch, clock=Clock())
    if not asyncio.run(keys.warm_up()):
        reason = keys.status()["last_error"] or "no answer in time"
        parts = urlsplit(address)
        if is_loopback(parts.hostname):
            raise CannotFetch(f"{reason}. At {parts.netloc}: {LOOPBACK_ADVICE}")
        raise CannotFetch(f"{reason}. Check the pool id, and that this machine can reach {parts.netloc}.")
    return FetchedKeys(documents[0], len(keys.status()["kids"]), time.monotonic() - started)


def find_pool(pool_id: str | None) -> UserPool:
    """Return the pool with this id, or that of the environment. Raises `ConfigurationError`."""
    given: dict[str, Any] = settings.read_environment(os.environ, settings.POOL)
    own = given.pop("id", None)
    is_own = pool_id in (None, own)
    if not is_own:
        given = {}  # the other settings belong to the environment's pool
    found = pool_id or own
    if not found:
        raise ConfigurationError("No pool: give its id, or set COGNITO_USER_POOL_ID.")
    try:
        return UserPool(found, **{"client_ids": ANY_CLIENT, **given})
    except ConfigurationError as error:
        raise (settings.name_variable(error) if is_own else error) from None


def _write(path: Path, content: bytes) -> None:
    """Write a regular file atomically, because a function may be reading it; a pipe or device directly."""
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(content)
        else:
            _replace(target, content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise ConfigurationError(f"{path} cannot be written: {reason}.") from None


def _replace(target: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name)
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
