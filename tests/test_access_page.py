"""The page docs/access.md: its commands print what it says, and the action runs the check."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fastapi_cognito_guard.matrix import read_callers
from tests.cli.running import Result, cognito_guard
from tests.pages import read_code

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/access.md").read_text()
BEFORE, AFTER = re.findall(r"^[-+](admin = .*)$", PAGE, re.MULTILINE)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory with the page's app in ``main.py``."""
    (tmp_path / "main.py").write_text(read_code("access.md", "The matrix"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "main", raising=False)
    return tmp_path


def run_commands(section: str, monkeypatch: pytest.MonkeyPatch) -> list[Result]:
    """Run the commands of a section, and compare what they print with the page."""
    text = PAGE.split(f"## {section}\n")[1].split("\n## ")[0]
    results: list[Result] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        command, _, expected = block.partition("\n")
        if len(results) == 2:  # the story begins
            lose_requirement()
        monkeypatch.delitem(sys.modules, "main", raising=False)
        results.append(result := cognito_guard(*command.removeprefix("$ cognito-guard ").split()))
        notes = [line for line in result.err.splitlines(keepends=True) if "Measuring" not in line]
        assert result.out + "".join(notes) == expected
    return results


def lose_requirement() -> None:
    file = Path("main.py")
    assert BEFORE in file.read_text()
    file.write_text(file.read_text().replace(BEFORE, AFTER))


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("section", "codes"), [("The matrix", [0]), ("Measured", [0]), ("The reviewed file", [0, 0, 1])]
)
def test_the_commands_print_what_the_page_says(
    section: str, codes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [result.code for result in run_commands(section, monkeypatch)] == codes


@pytest.mark.usefixtures("shop")
def test_a_revision_is_compared_as_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cognito_guard("matrix", "main:app", "--write", "authz.md").code == 0
    lose_requirement()
    assert [result.code for result in run_commands("Between two revisions", monkeypatch)] == [1]


@pytest.mark.usefixtures("shop")
def test_the_test_of_the_page_passes_until_the_app_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cognito_guard("matrix", "main:app", "--write", "authz.md").code == 0
    run_own_test(monkeypatch)
    lose_requirement()
    with pytest.raises(AssertionError, match="public GET /admin/users: group admins -> anybody"):
        run_own_test(monkeypatch)


def run_own_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "main", raising=False)
    names: dict[str, Any] = {}
    exec(read_code("access.md", "The reviewed file"), names)
    names["test_access_is_as_reviewed"]()


def test_the_callers_of_the_page_are_read() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert [caller.name for caller in read_callers(text)] == ["support", "nightly job"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
@pytest.mark.parametrize(("app", "code"), [("main:app", 0), ("", 2), ("$(touch x)", 2)])
def test_the_action_runs_the_check_and_writes_the_summary(shop: Path, app: str, code: int) -> None:
    done = run_action(shop, app)
    assert done.returncode == code, done.stderr
    summary = (shop / "summary.md").read_text()
    assert summary.startswith("### Who may do what\n\n")
    assert ("is up to date" in summary) is (code == 0)
    assert not (shop / "x").exists()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
def test_the_action_fails_with_a_table_of_who_gained_access(shop: Path) -> None:
    run_action(shop, "main:app")
    lose_requirement()
    assert run_action(shop, "main:app").returncode == 1
    assert (
        "| **public** | `GET /admin/users` | `group admins` | `anybody` |"
        in (shop / "summary.md").read_text()
    )


def run_action(shop: Path, app: str) -> "subprocess.CompletedProcess[str]":
    """Run the step of action.yml as a runner does."""
    (script,) = re.findall(r"      run: \|\n((?:        .*\n|\n)+)", (ROOT / "action.yml").read_text())
    command = f'"{sys.executable}" -c "from fastapi_cognito_guard.cli import main; main()" "$@"'
    (shop / "cognito-guard").write_text(f"#!/bin/bash\n{command}\n")
    (shop / "cognito-guard").chmod(0o755)
    if not (shop / "authz.md").exists():
        env = {"PATH": f"{shop}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
        write = ["bash", "-c", "cognito-guard matrix main:app --write authz.md"]
        subprocess.run(write, check=True, cwd=shop, env=env, capture_output=True, timeout=60)
    env = {
        "PATH": f"{shop}:/usr/bin:/bin", "APP": app, "FILE": "authz.md", "PYTHONPATH": str(ROOT),
        "GITHUB_STEP_SUMMARY": str(shop / "summary.md"),
    }  # fmt: skip
    lines = re.sub("^ {8}", "", script, flags=re.MULTILINE)
    run = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", lines]
    return subprocess.run(run, cwd=shop, env=env, capture_output=True, text=True, timeout=60, check=False)
