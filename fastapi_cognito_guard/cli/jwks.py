"""``jwks pull``: a pool's keys in a file, for functions that cannot reach the pool."""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

import typer

from fastapi_cognito_guard import settings
from fastapi_cognito_guard.cli import exits
from fastapi_cognito_guard.cli.output import err, fail, note, say
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.pool import ANY_CLIENT, KeyPolicy, UserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.fetch import fetch_over_https
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys


class Fetched(NamedTuple):
    """A key document, how many of its keys can be used, and how long it took, in seconds."""

    document: bytes
    usable: int
    took: float


def pull(
    pool_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[POOL_ID]", help="Without it: this environment's COGNITO_...", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to put them; - is standard output.")
    ] = Path("jwks.json"),
) -> None:
    """Fetch the pool's public keys into a file, for COGNITO_JWKS_FILE.

    Exits with 3 if they cannot be had; a file that is there stays as it is.
    """
    address = pool_of(pool_id).keys_address
    try:
        with err.status("Fetching the pool's keys"):
            fetched = fetch(address)
    except CannotFetch as error:
        fail(f"the keys cannot be had: {error}")
        raise typer.Exit(exits.UNDECIDED) from None
    if str(output) == "-":
        typer.echo(fetched.document)
        return
    _replace(output, fetched.document)
    say(f"{fetched.usable} keys in {output}. Set COGNITO_JWKS_FILE={output}")
    note("Pull them again when the pool rotates its keys; AWS does not say when.")


class CannotFetch(Exception):
    """The keys cannot be had; the text says why."""


def fetch(address: str) -> Fetched:
    """The keys at an address, got as a guard gets them. Raises `CannotFetch`."""
    got: list[bytes] = []

    async def get(address: str) -> bytes:
        got.append(await fetch_over_https(address))
        return got[0]

    started = time.monotonic()
    keys = RemoteKeys(address, KeyPolicy(), fetch=get, clock=Clock())
    if asyncio.run(keys.warm_up()):
        return Fetched(got[0], len(keys.status()["kids"]), time.monotonic() - started)
    why = keys.status()["last_error"] or "no answer in time"
    if got or why.startswith("it"):  # somebody is there, and has no keys
        raise CannotFetch(f"{why}. Is the pool id right, and the pool still there?")
    raise CannotFetch(f"{why}. Is there a way from here to {urlsplit(address).netloc}?")


def pool_of(pool_id: str | None) -> UserPool:
    """The pool with this id, or the environment's. Raises `ConfigurationError`."""
    given: dict[str, Any] = settings.read_environment(os.environ, settings.POOL)
    own = given.pop("id", None)
    is_own = pool_id in (None, own)
    if not is_own:
        given = {}  # the other settings are of another pool
    found = pool_id or own
    if not found:
        raise ConfigurationError("Which pool? Give its id, or set COGNITO_USER_POOL_ID.")
    try:
        return UserPool(found, **{"client_ids": ANY_CLIENT, **given})
    except ConfigurationError as error:
        raise (settings.name_variable(error) if is_own else error) from None


def _replace(path: Path, content: bytes) -> None:
    """All at once: a function may be reading it. What is no file (a pipe, a device) is written to."""
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(content)
        else:
            _put(content, target)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise ConfigurationError(f"{path} cannot be written: {reason}.") from None


def _put(content: bytes, target: Path) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name)
    try:
        with open(handle, "wb") as new:
            new.write(content)
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
