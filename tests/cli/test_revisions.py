"""Option `routes --diff`: changes of access since a reviewed file or a git revision."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.running import Result, cognito_guard

ROOT = Path(__file__).parents[2]
APP = """
from fastapi import Depends, FastAPI
from fastapi_cognito_guard import *

app = FastAPI(openapi_url=None)
CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids="x")).install(app)


@app.get("/orders", dependencies=[Depends(require_group("admins"))])
async def orders(): ...
"""
WIDER = APP.replace('"admins"', '"admins", "staff"')


def git(*arguments: str) -> None:
    own = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of a repository with the app in its first commit."""
    folder = tmp_path / "service"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the package may be here only
    (folder / "orders_app.py").write_text(APP)
    git("init", "--quiet", "--initial-branch=main", str(tmp_path))
    git("add", "-A")
    git("commit", "--quiet", "-m", "first")
    return folder


def diff(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.syspath_prepend(str(Path.cwd()))
    monkeypatch.delitem(__import__("sys").modules, "orders_app", raising=False)
    return cognito_guard("routes", "orders_app:app", *arguments)


def test_nothing_changed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = diff(monkeypatch, "--diff", "main")
    assert (result.code, result.out) == (0, "No route changed its access since main.\n")


def test_access_that_got_wider_since_a_revision_ends_with_1(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("orders_app.py").write_text(WIDER)
    result = diff(monkeypatch, "--diff", "HEAD")
    assert result.code == 1
    assert (
        "WIDER GET /orders was: group admins now: group admins or staff may now: group staff" in result.text
    )
    assert "wider than in HEAD: GET /orders" in result.err
    assert diff(monkeypatch, "--diff", "HEAD", "--allow-wider").code == 0
    listed = subprocess.run(
        ["git", "worktree", "list"], check=True, capture_output=True, text=True, timeout=60
    )
    assert len(listed.stdout.splitlines()) == 1


def test_access_that_got_narrower_ends_with_0(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("orders_app.py").write_text(
        APP.replace('require_group("admins")', 'require_group("admins")), Depends(require_scope("a")')
    )
    result = diff(monkeypatch, "--diff", "main")
    assert result.code == 0
    assert "NARROWER GET /orders" in result.text
    assert "no more: group admins" in result.text


def test_a_reviewed_file_is_compared(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repository))
    assert cognito_guard("matrix", "orders_app:app", "--write", "authz.md").code == 0
    Path("orders_app.py").write_text(WIDER)
    assert diff(monkeypatch, "--diff", "authz.md").code == 1


def test_an_earlier_app_that_cannot_be_loaded_is_wrong_use(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("orders_app.py").write_text("raise RuntimeError('no settings')\n")
    git("commit", "--quiet", "-am", "broken")
    Path("orders_app.py").write_text(APP)
    result = diff(monkeypatch, "--diff", "HEAD")
    assert result.code == 2
    assert "The app cannot be loaded in HEAD: orders_app:app cannot be loaded: RuntimeError" in result.err


@pytest.mark.parametrize(
    "old", ["nowhere", "--help", "-x", "", "main:service", "HEAD; touch x", "HEAD..main"]
)
def test_what_is_no_revision_is_wrong_use(
    old: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = diff(monkeypatch, f"--diff={old}")
    assert result.code == 2
    assert "neither a reviewed file nor a revision" in result.err
    assert not Path("x").exists()


def test_outside_of_a_repository_is_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    Path("orders_app.py").write_text(APP)
    assert diff(monkeypatch, "--diff", "main").code == 2
