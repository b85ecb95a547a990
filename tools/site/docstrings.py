"""Docstrings of this package as Markdown, for the API reference. An extension of griffe."""

from pathlib import Path
from typing import Any

import griffe

from tools.site.reference import convert_docstring, list_names

_REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference.md"


class DocstringMarkdown(griffe.Extension):
    """Lists of arguments become lists, and names of the reference become links."""

    def __init__(self) -> None:
        self._names = list_names(_REFERENCE.read_text())

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of each object that is loaded."""
        if obj.docstring is not None:
            obj.docstring.value = convert_docstring(obj.docstring.value, self._names)
