"""Apps and tokens as inputs of the commands: sources, and errors of one line."""

import os
import subprocess
from pathlib import Path

import pytest

from fastapi_cognito_guard.testing import FakeUserPool
from tests.cli.running import COMMAND, cognito_guard


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere:app", "ModuleNotFoundError"),
        ("shop:nothing", "has no attribute 'nothing'"),
        ("shop:number", "is not a FastAPI app: its type is int"),
        ("shop:broken", "SystemExit: settings are missing. See shop.py, line "),
        ("shop:bare", "write guard.install(app)"),
        (":", "cannot be loaded"),
        ("nowhere.main:app", "Name it as module:app. Run this where nowhere/main.py is."),
        ("shop:factory", "TypeError: factory() missing 1 required positional argument: 'x'. See "),
        ("shop:unset", "shop:unset: Set COGNITO_USER_POOL_ID and COGNITO_CLIENT_IDS in the environment."),
        ("nowhere", "Name it as module:app."),
    ],
)
def test_a_target_that_is_not_an_app_is_an_error_of_one_line(target: str, message: str) -> None:
    result = cognito_guard("routes", target)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_the_default_app_is_the_entrypoint_in_pyproject(shop: Path) -> None:
    assert "No app: name it as module:app" in cognito_guard("routes").err
    (shop / "pyproject.toml").write_text('[tool.fastapi]\nentrypoint = "shop.py:create_app"\n')
    assert "/me" in cognito_guard("routes").out
    assert "no routes of its own" in cognito_guard("routes", "shop:empty").out


def test_an_error_inside_a_library_names_the_imported_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This package is such a library, too, when it is installed in site-packages."""
    library = tmp_path / "site-packages"
    library.mkdir()
    (library / "broken_library.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(library))
    assert (
        "ZeroDivisionError: division by zero. See broken_library."
        in cognito_guard("routes", "broken_library:app").err
    )


def test_a_token_comes_from_the_environment_and_one_on_the_command_line_gets_a_hint() -> None:
    token = FakeUserPool().access_token()
    assert cognito_guard("inspect", env={"COGNITO_TOKEN": token}).code == 0
    result = cognito_guard("inspect", token)
    assert (result.code, "shell's history" in result.err) == (0, True)


def test_a_dash_reads_standard_input_although_the_variable_is_set() -> None:
    token = FakeUserPool().access_token()
    assert cognito_guard("inspect", "-", given=token, env={"COGNITO_TOKEN": "not a token"}).code == 0


@pytest.mark.parametrize("command", ["inspect", "verify"])
def test_a_missing_token_is_wrong_use(command: str) -> None:
    env = {"COGNITO_USER_POOL_ID": "eu-west-1_Abc123Xyz", "COGNITO_CLIENT_IDS": "4b1example"}
    result = cognito_guard(command, given=" \n", env=env)
    assert (result.code, result.out) == (2, "")
    assert result.err == "cognito-guard: No token: pass it on standard input (-), or as COGNITO_TOKEN.\n"


def test_at_a_terminal_no_command_waits_for_input() -> None:
    terminal, inside = os.openpty()
    try:
        result = subprocess.run(
            [*COMMAND, "verify"], stdin=inside, capture_output=True, text=True, timeout=60
        )
    finally:
        os.close(terminal)
        os.close(inside)
    assert (result.returncode, "No token" in result.stderr) == (2, True)
