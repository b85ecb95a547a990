"""Code of the documentation, run by tests."""

import re
from pathlib import Path
from typing import Any

from fastapi_cognito_guard.testing import FakeUserPool

_DOCS = Path(__file__).parent.parent / "docs"


def read_code(page: str, title: str) -> str:
    """Return the one piece of Python of a section."""
    section = (_DOCS / page).read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    code: str
    (code,) = re.findall(r"```python(?: \S+)?\n(.*?)```", section, re.DOTALL)
    return code


def run_code(page: str, title: str, *pools: FakeUserPool) -> dict[str, Any]:
    """Run the code of a section with the keys of its pools, and return its names."""
    code = read_code(page, title)
    for pool in pools:
        setting = f'client_ids={{"{pool.client_id}"}}'
        assert setting in code
        code = code.replace(setting, f"{setting}, jwks={pool.jwks!r}")
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(code, page, "exec"), names)
    return names
