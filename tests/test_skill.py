"""The skill for coding agents in the package: its code runs, and the commands that it names exist."""

import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.main import get_command
from yaml import safe_load

import fastapi_cognito_guard
import fastapi_cognito_guard_pytest
from fastapi_cognito_guard.cli.commands import commands

SKILL = Path(fastapi_cognito_guard.__file__).parent / ".agents/skills/fastapi-cognito-guard/SKILL.md"
TEXT = SKILL.read_text()
CODE = re.findall(r"```python ?([\w.]*)\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run all code, conftest.py first, and return the names of test_main.py. Other pieces follow main.py."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    main, tests = ModuleType("main"), ModuleType("test_main")
    monkeypatch.setitem(sys.modules, "main", main)
    places = {"conftest.py": vars(ModuleType("conftest")), "main.py": vars(main), "test_main.py": vars(tests)}
    for file, code in sorted(CODE, key=lambda piece: piece[0] != "conftest.py"):
        exec(compile(code, f"SKILL.md, {file}", "exec"), places[file or "main.py"])
    return vars(tests)


def test_the_skill_is_found_as_agents_look_for_it() -> None:
    front = safe_load(TEXT.split("---\n")[1])
    assert front["name"] == SKILL.parent.name
    assert set(front) == {"name", "description"}
    assert len(front["description"]) <= 1024  # the limit of the format
    assert len(TEXT.splitlines()) < 250


def test_the_code_of_the_skill_runs_and_its_tests_pass(names: dict[str, Any]) -> None:
    tests = [name for name in names if name.startswith("test_")]
    assert len(tests) == 5
    for name in tests:
        names[name]()


def test_the_commands_of_the_skill_exist_with_their_options() -> None:
    known: Any = get_command(commands)
    named = re.findall(r"cognito-guard ([a-z]+)((?: +--?[a-z-]+(?:=\S+)?| +[\w./:]+)*)", TEXT)
    assert {command for command, _ in named} >= {
        "routes",
        "matrix",
        "doctor",
        "pool",
        "token",
        "export",
        "verify",
    }
    for command, arguments in named:
        options = {each for option in known.commands[command].params for each in option.opts}
        assert set(re.findall(r"--[a-z-]+", arguments)) <= options, command
    # Declared by hand, as the plugin is not installed in every environment of these tests.
    parser = pytest.Parser(_ispytest=True)
    fastapi_cognito_guard_pytest.pytest_addoption(parser)
    (option,) = re.findall(r"^pytest (--[a-z-]+)", TEXT, re.MULTILINE)
    assert option in {name for group in parser._groups for each in group.options for name in each.names()}
