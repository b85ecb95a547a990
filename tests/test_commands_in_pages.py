"""The commands of the pages exist, with their options."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from fastapi_cognito_guard.cli.commands import commands

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/*.md")),
]
# A command line ends where its code, its pipe or its substitution does. A comment is none of it.
LINE = re.compile(r"cognito-guard ([a-z]+)([^`|)\n#]*(?:\\\n[^`|)\n#]*)*)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_exist_with_their_options(page: Path) -> None:
    known: Any = get_command(commands)
    for name, arguments in LINE.findall(page.read_text()):
        options = set(re.findall(r"(?<!\S)--[a-z-]+", arguments)) - {"--help"}
        parameters = known.commands[name].params if name in known.commands else []  # or a word of a sentence
        taken = {each for parameter in parameters for each in (*parameter.opts, *parameter.secondary_opts)}
        assert options <= taken, name
