"""The README of each example is short, names its test, and fits the local pool."""

import re
from pathlib import Path

import pytest

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.testing import Directory

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/main.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_readme_is_short_and_names_what_exists(example: Path) -> None:
    text = (example / "README.md").read_text()
    assert len(text.splitlines()) <= 14
    assert f"examples.{example.name}.main" in text
    (test,) = re.findall(r"`(tests/\w+/test_\w+\.py)`", text)
    assert (ROOT / test).is_file()
    for path in re.findall(r"--file (\S+)", text):
        assert Directory.from_toml(ROOT / path).id == Directory().id
    for target in re.findall(r"\]\(([^)#:]+)", text):
        assert (example / target).is_file()


def test_the_settings_of_the_examples_are_those_of_the_local_pool() -> None:
    lines = (ROOT / "examples/local.env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    (pool,) = CognitoGuard.from_env(settings).pools
    assert (pool.id, pool.client_ids) == (Directory().id, {Directory().clients[0].id})
    assert pool.issuers == (f"{pool.domain}/{pool.id}",)
