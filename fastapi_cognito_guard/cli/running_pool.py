"""Who is in the pool that runs at a port: noted by ``pool`` for ``token``, and for nobody else."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing.emulator.directory import Directory

_DIRECTORY = TypeAdapter(Directory)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def noted(directory: Directory, port: int) -> Iterator[None]:
    """While the pool runs. Where no note can be kept, ``token`` has to be told by ``--file``."""
    path = _note(port)
    with suppress(OSError):
        _forget(path)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
        with open(handle, "wb") as note:
            note.write(_DIRECTORY.dump_json(directory))
    try:
        yield
    finally:
        _forget(path)


def directory_at(port: int) -> Directory | None:
    """What was noted for a port by this very user; None where nothing was."""
    try:
        with open(os.open(_note(port), os.O_RDONLY | _NO_LINK), "rb") as note:
            if os.fstat(note.fileno()).st_uid != _user():
                return None
            return _DIRECTORY.validate_json(note.read())
    except (OSError, ValidationError, ConfigurationError):
        return None


def _note(port: int) -> Path:
    return Path(tempfile.gettempdir()) / f"cognito-guard-{_user()}-{port}.json"


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0  # where there are none, all files are one's own


def _forget(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
