"""Users and clients of the local pool.

They come from options or a file. The command ``pool`` records them while it runs, for ``token`` to read.
"""

import os
import shlex
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing.emulator.directory import DOCS_REDIRECTS, Directory, LocalClient, LocalUser

_DIRECTORY = TypeAdapter(Directory)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def build_directory(
    file: Path | None,
    users: list[str],
    clients: list[str],
    scopes: list[str],
    callbacks: Collection[str] = (),
) -> Directory:
    """Build the directory of a file, or the default one, with the users and clients of the options."""
    directory = Directory() if file is None else Directory.from_toml(file)
    if users:
        directory = replace(directory, users=tuple(map(_parse_user, users)))
    if clients:
        directory = replace(directory, clients=tuple(map(_parse_client, clients)))
    if scopes:
        extended = (replace(each, scopes=(*each.scopes, *scopes)) for each in directory.clients)
        directory = replace(directory, clients=tuple(extended))
    if callbacks:
        directory = replace(directory, clients=tuple(_add_callbacks(directory.clients, callbacks)))
    return directory


def find_member(directory: Directory, groups: list[str]) -> str:
    """Return the name of the first user in all these groups. Raises `ConfigurationError`."""
    for user in directory.users:
        if set(groups) <= set(user.groups):
            return user.username
    missing = f"is in {' and '.join(groups)}" if groups else "exists"
    raise ConfigurationError(
        f"No user of the pool {missing}: add one when you start it, `cognito-guard pool --user "
        f"{_suggest_user(groups)}`, or to its file."
    )


@contextmanager
def record_directory(directory: Directory, port: int) -> Iterator[None]:
    """Record the directory for `read_directory` while the pool runs.

    If the file cannot be written, ``token`` needs the option ``--file``.
    """
    path = _build_path(port)
    with suppress(OSError):
        _remove(path)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
        with open(handle, "wb") as file:
            file.write(_DIRECTORY.dump_json(directory))
    try:
        yield
    finally:
        _remove(path)


def read_directory(port: int) -> Directory | None:
    """Return the directory recorded for a port by the same user of this machine, or None."""
    try:
        with open(os.open(_build_path(port), os.O_RDONLY | _NO_LINK), "rb") as file:
            if os.fstat(file.fileno()).st_uid != _get_user_id():
                return None
            return _DIRECTORY.validate_json(file.read())
    except (OSError, ValidationError, ConfigurationError):
        return None


def _parse_user(text: str) -> LocalUser:
    name, _, groups = text.partition(":")
    return LocalUser(username=name, groups=tuple(filter(None, groups.split(","))))


def _parse_client(text: str) -> LocalClient:
    name, _, secret = text.partition(":")
    if secret:
        return LocalClient(id=name, secret=secret, scopes=())
    return LocalClient(id=name, callback_urls=DOCS_REDIRECTS)


def _suggest_user(groups: list[str]) -> str:
    """Return an example for ``--user``, as a shell takes it."""
    return shlex.quote(":".join(["sue", *filter(None, [",".join(groups)])]))


def _add_callbacks(clients: Collection[LocalClient], callbacks: Collection[str]) -> Iterator[LocalClient]:
    """Add callback URLs to the clients for sign-ins. Raises `ConfigurationError` if there is none."""
    if all(client.is_machine for client in clients):
        raise ConfigurationError("No client of the pool is for sign-ins: add one, --client web.")
    for client in clients:
        urls = () if client.is_machine else callbacks
        yield replace(client, callback_urls=(*client.callback_urls, *urls))


def _build_path(port: int) -> Path:
    return Path(tempfile.gettempdir()) / f"cognito-guard-{_get_user_id()}-{port}.json"


def _get_user_id() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0  # Windows has no user ids, neither here nor in files


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
