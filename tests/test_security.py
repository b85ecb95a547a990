"""SECURITY.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
POINTERS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "SECURITY.md").read_text())


def test_each_guarantee_names_a_test_that_exists() -> None:
    assert len(POINTERS) > 20
    for file, name in POINTERS:
        assert f"def {name}(" in (ROOT / file).read_text(), f"{file}::{name}"
