"""The command that installs the package: one form, in messages and on pages."""

import re
from pathlib import Path

import pytest

from fastapi_cognito_guard.extras import INSTALL, format_install

ROOT = Path(__file__).parents[1]
TEXTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *ROOT.glob("fastapi_cognito_guard/**/*.py"),
]
COMMAND = r'pip install (?:-e )?["\'](?:fastapi-cognito-guard|\.)\[[^"\']*["\']'


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_each_text_shows_the_form_of_installation_that_works(file: Path) -> None:
    form = re.escape(INSTALL).replace(re.escape("{extra}"), r"(?:\w+|\{extra\})")
    commands = re.findall(COMMAND, file.read_text())
    assert [found for found in commands if "-e" not in found and not re.fullmatch(form, found)] == []


def test_the_command_names_an_extra_of_a_checkout() -> None:
    assert format_install("cli") == 'pip install ".[cli]"'
