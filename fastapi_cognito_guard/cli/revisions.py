"""The access to an app as another revision of its git repository has it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi_cognito_guard.cli.inputs import read_text
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.matrix.review_file import read_snapshot
from fastapi_cognito_guard.matrix.snapshot import Snapshot

_SECONDS = 300
_MAIN = "from fastapi_cognito_guard.cli import main; main()"


def read_earlier_snapshot(given: str, target: str | None) -> Snapshot:
    """Return the snapshot in a reviewed file; or that of an app in a git revision, which is loaded.

    Raises `ConfigurationError` for what is neither, and for an app that cannot be loaded.
    """
    file = Path(given)
    if file.is_file():
        return read_snapshot(read_text(file))
    commit = _find_commit(given)
    here = Path(_run_git("rev-parse", "--show-prefix") or ".")
    with _worktree(commit) as tree:
        command = [sys.executable, "-c", _MAIN, "matrix", *filter(None, [target])]
        done = _run([*command, "--write", "-"], tree / here)
    if done.returncode != 0:
        reason = done.stderr.strip().rpartition("\n")[2].removeprefix("cognito-guard: ")
        raise ConfigurationError(f"The app cannot be loaded in {given}: {reason}")
    return read_snapshot(done.stdout)


def _find_commit(revision: str) -> str:
    commit = _run_git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        raise ConfigurationError(
            f"{revision!r} is neither a reviewed file nor a revision of this git repository: "
            "write --diff authz.md, or --diff main."
        )
    return commit


@contextmanager
def _worktree(commit: str) -> Iterator[Path]:
    """Check a commit out into a directory that is removed afterwards."""
    with TemporaryDirectory(prefix="cognito-guard-") as directory:
        tree = Path(directory) / "tree"
        done = _run(["git", "worktree", "add", "--detach", "--quiet", str(tree), commit], Path.cwd())
        if done.returncode != 0:
            raise ConfigurationError("git worktree add failed: see if git can check the revision out.")
        try:
            yield tree
        finally:
            _run(["git", "worktree", "remove", "--force", str(tree)], Path.cwd())


def _run_git(*arguments: str) -> str:
    done = _run(["git", *arguments], Path.cwd())
    return done.stdout.strip() if done.returncode == 0 else ""


def _run(command: list[str], directory: Path) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603 - git, and this package: the revision is checked by git
            command, cwd=directory, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"{command[0]} cannot be run here: {type(error).__name__}.") from None
