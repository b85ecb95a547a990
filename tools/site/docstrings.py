"""Docstrings of this package as Markdown, for the API reference. An extension of griffe."""

import re
from pathlib import Path
from typing import Any

import griffe

from tools.site.reference import list_names

_REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference.md"
_PUBLIC = {name.rpartition(".")[2]: name for name in list_names(_REFERENCE.read_text())}
# ``name``  text, with further lines of the text indented.
_ITEM = re.compile(r"^((?:``[\w.*]+``(?:, )?)+) +(\S.*(?:\n {2,}\S.*)*)", re.MULTILINE)


class DocstringMarkdown(griffe.Extension):
    """Lists of arguments become lists, and names of the reference become links."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of each object that is loaded."""
        if obj.docstring is not None:
            obj.docstring.value = convert(obj.docstring.value)


def convert(text: str) -> str:
    """Return a docstring as Markdown."""
    lines = _ITEM.sub(_write_item, text)
    return re.sub(r"(?<![`\w])`([A-Za-z_.]+)`(?!`)", _link, lines)


def _write_item(item: re.Match[str]) -> str:
    return f"\n- {item[1]}: {' '.join(item[2].split())}"


def _link(name: re.Match[str]) -> str:
    return f"[`{name[1]}`][{_PUBLIC[name[1]]}]" if name[1] in _PUBLIC else name[0]
