"""Command line as a whole: help, version, wrong use, and imports."""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.cli.running import cognito_guard


def test_the_version_is_that_of_the_installed_package() -> None:
    try:
        installed = version("fastapi-cognito-guard")
    except PackageNotFoundError:
        pytest.skip("the package is not installed here, only its sources")
    assert cognito_guard("--version") == (0, f"{installed}\n", "")


def test_the_help_fits_80_columns() -> None:
    for command in ("", "inspect", "verify", "doctor", "routes", "export", "token", "pool", "jwks"):
        result = cognito_guard(*command.split(), "--help")
        assert (result.code, "Usage" in result.out) == (0, True)
        assert "completion" not in result.out


def test_wrong_use_is_one_line_that_names_the_help() -> None:
    result = cognito_guard("inspect", "--colour")
    assert result.code == 2
    assert result.err.startswith("cognito-guard: No such option: --colour (see ")
    assert result.err.endswith(" inspect --help)\n")


def test_without_arguments_the_help_is_printed() -> None:
    for arguments, command in ([], "inspect"), (["jwks"], "pull"):
        result = cognito_guard(*arguments)
        assert command in result.out + result.err
        assert not result.err.startswith("cognito-guard: ")


def test_without_the_extra_the_error_is_the_command_that_installs_it() -> None:
    code = """
import sys
class Uninstalled:
    def find_spec(self, name, path=None, target=None):
        if name == MISSING:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Uninstalled())
from fastapi_cognito_guard.cli import main
main()
"""
    own = "fastapi_cognito_guard.cli.doctor"  # an error of this package is not about the extra
    for missing, message in (("typer", "pip install"), (own, "ModuleNotFoundError")):
        result = subprocess.run(
            [sys.executable, "-c", code.replace("MISSING", repr(missing))],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert message in result.stderr
        if missing == "typer":
            assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("arguments", "is_loaded"),
    [(["--help"], False), (["routes", "shop:app"], False), (["token", "--port", "1"], True)],
    ids=["help", "routes", "token"],
)
def test_only_commands_of_the_local_pool_load_the_test_kit(arguments: list[str], is_loaded: bool) -> None:
    code = f"""
import sys
from fastapi_cognito_guard.cli import main
sys.argv[1:] = {arguments}
try:
    main()
finally:
    heavy = ("fastapi_cognito_guard.testing", "httpx", "jose")
    sys.stderr.write(str([name for name in sys.modules if name.startswith(heavy)]))
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert (result.stderr.splitlines()[-1] != "[]") is is_loaded


@pytest.mark.parametrize("app", [["--app", "shop:app"], ["--app=shop:app"], ["shop:app"]])
@pytest.mark.usefixtures("shop")
def test_the_app_is_an_argument_or_an_option(app: list[str]) -> None:
    assert "/me" in cognito_guard("routes", "--json", *app).out
