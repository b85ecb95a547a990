"""The API reference: names that docs/reference.md lists become entries with signature and docstring."""

import re

_NAME = re.compile(r"^- `(fastapi_cognito_guard[.\w]*)`$", re.MULTILINE)


def list_names(page: str) -> list[str]:
    """Return the full names that the page lists, in order."""
    return _NAME.findall(page)


def add_directives(page: str) -> str:
    """Replace each listed name by a directive of mkdocstrings."""
    return _NAME.sub(r"\n::: \1\n", page)
