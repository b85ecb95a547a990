"""Reads the table of a page, as a browser without scripts shows it at each door."""

import json
from html.parser import HTMLParser
from typing import Any

_VOID = {"meta", "link", "input", "wbr"}


class PageReader(HTMLParser):
    """Collects the elements of a page, and the cells of its table.

    ``tags``   names of all elements, with all attributes
    ``rows``   for each route: its text, and for each caller the words by door; -1 stands for all doors
    ``texts``  the content of style, script and title elements, by name
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.heads: list[str] = []
        self.rows: list[tuple[str, list[dict[int, str]]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in _VOID:
            return
        self._open.append(self.tags[-1])
        if "row" in self._classes(0):
            self.rows.append(("", []))
        elif tag == "td":
            self.rows[-1][1].append({})
        elif tag in ("style", "script", "title"):
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if not self._open:
            return
        tag = self._open[-1][0]
        path = [name for name, _ in self._open]
        if tag in self.texts:
            self.texts[tag][-1] += data
        elif "thead" in path and "span" in path:
            if "caller" in self._classes(1) and self.tags[-1][0] != "wbr":
                self.heads.append("")
            self.heads[-1] += data
        elif "tbody" in path and "row" in self._classes_of("tr"):
            self._add_to_row(data, is_cell="td" in path)

    def _add_to_row(self, data: str, *, is_cell: bool) -> None:
        name, cells = self.rows[-1]
        if not is_cell:
            self.rows[-1] = (name + data, cells)
        elif "answer" in self._classes(0):
            places = [int(each[2:]) for each in self._classes(0) if each[:2] == "at" and each[2:]]
            cells[-1] |= dict.fromkeys(places or [-1], data)

    def _classes(self, depth: int) -> list[str]:
        return (self._open[-1 - depth][1].get("class") or "").split()

    def _classes_of(self, tag: str) -> list[str]:
        return next(((attrs.get("class") or "").split() for name, attrs in self._open if name == tag), [])

    def list_words(self, door: int) -> list[list[str | None]]:
        """Return the words of all cells that one door shows."""
        return [[cell.get(door, cell.get(-1)) for cell in cells] for _, cells in self.rows]

    @property
    def data(self) -> Any:
        """What the script reads."""
        return json.loads(self.texts["script"][0])
