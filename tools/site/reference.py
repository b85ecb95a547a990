"""The API reference: names that docs/reference.md lists become entries with signature and docstring."""

import re
from collections.abc import Callable, Iterable

_NAME = re.compile(r"^- `(fastapi_cognito_guard[.\w]*)`$", re.MULTILINE)
# ``name``  text, with further lines of the text indented.
_ITEM = re.compile(r"^((?:``[\w.*]+``(?:, )?)+) +(\S.*(?:\n {2,}\S.*)*)", re.MULTILINE)
_MENTION = re.compile(r"(?<![`\w])`([A-Za-z_.]+)`(?!`)")


def list_names(page: str) -> list[str]:
    """Return the full names that the page lists, in order."""
    return _NAME.findall(page)


def add_directives(page: str) -> str:
    """Replace each listed name by a directive of mkdocstrings."""
    return replace_names(page, lambda name: f"\n::: {name}\n")


def replace_names(page: str, write: Callable[[str], str]) -> str:
    """Replace each listed name by a text."""
    return _NAME.sub(lambda item: write(item[1]), page)


def convert_docstring(text: str, names: Iterable[str]) -> str:
    """Return a docstring as Markdown, with its arguments as a list and links to the entries of ``names``."""
    entries = {name.rpartition(".")[2]: name for name in names}

    def link(mention: re.Match[str]) -> str:
        return f"[{mention[0]}][{entries[mention[1]]}]" if mention[1] in entries else mention[0]

    listed = _ITEM.sub(lambda item: f"\n- {item[1]}: {' '.join(item[2].split())}", text)
    return _MENTION.sub(link, listed)
