"""Tests of docs/testing.md and docs/cli.md: their tests pass, and their commands answer as shown."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from fastapi_cognito_guard.cli.commands import commands
from fastapi_cognito_guard.testing import FakeUserPool
from tests.cli.running import cognito_guard
from tests.testing.test_plugin import run

DOCS = Path(__file__).parent.parent / "docs"
TESTING, CLI = ((DOCS / name).read_text() for name in ("testing.md", "cli.md"))


def files_in(page: str) -> dict[str, str]:
    """Return the files that a page shows, by module name."""
    return dict(re.findall(r"```python (\w+)\.py\n(.*?)```", page, re.DOTALL))


def test_the_tests_in_the_docs_pass(tmp_path: Path) -> None:
    files = files_in(TESTING)
    assert files.keys() == {"main", "test_main", "conftest"}
    assert "8 passed" in run(tmp_path, **files)


def test_the_conftest_of_the_docs_lets_an_app_read_its_settings_at_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COGNITO_USER_POOL_ID", "COGNITO_CLIENT_IDS"):
        monkeypatch.delenv(name, raising=False)
    files = files_in(TESTING)
    old = 'CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids={"4b1example"}))'
    assert old in files["main"]
    files["main"] = files["main"].replace(old, "CognitoGuard.from_env()")
    assert "8 passed" in run(tmp_path, **files)


def test_the_report_of_the_tests_in_the_docs_is_as_shown(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```text\n(=.*?)```", TESTING, re.DOTALL)
    assert shown in run(tmp_path, "--authz-report", **files_in(TESTING))


@pytest.mark.parametrize(
    ("command", "answer"), re.findall(r"```console\n\$ cognito-guard (.*?)\n(.*?)```", CLI, re.DOTALL)
)
def test_the_commands_in_the_docs_answer_as_shown(
    command: str, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_project(tmp_path, monkeypatch)
    assert cognito_guard(*command.split()).out == answer


@pytest.mark.parametrize(
    "command", re.findall(r"^cognito-guard (export .*)$", CLI.replace("\\\n", ""), re.MULTILINE)
)
def test_the_exports_in_the_docs_succeed_without_a_warning(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_project(tmp_path, monkeypatch)
    answer = cognito_guard(*shlex.split(command.partition(" > ")[0]))
    assert answer.code == 0
    assert json.loads(answer.out)["openapi"] == "3.0.1"
    assert "note: " in answer.err
    assert "warning: " not in answer.err


def in_a_project(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a directory with the page's app in it, and forget an app that was imported before."""
    (directory / "main.py").write_text(files_in(CLI)["main"])
    monkeypatch.chdir(directory)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "main", raising=False)


def test_inspect_says_of_an_id_token_what_the_docs_show() -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", CLI, re.DOTALL)
    token = FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example").id_token()
    assert cognito_guard("inspect", given=token).out.endswith(shown)


def test_all_commands_and_exit_codes_are_documented() -> None:
    documented = re.findall(r"^\| `(\w+)[^`]*` \|", CLI, re.MULTILINE)
    commanded = {command.callback.__name__ for command in commands.registered_commands if command.callback}
    assert {*documented} == commanded | {"jwks"}
    assert re.findall(r"^\| (\d) \|", CLI, re.MULTILINE) == ["0", "1", "2", "3"]
