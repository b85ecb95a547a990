"""Addresses of other hosts that a page would load by itself."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_FOREIGN = re.compile(r"\s*(?:https?:)?//", re.IGNORECASE)
_IN_STYLE = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])\s*((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)
_LOADING = ("src", "srcset", "data", "poster", "background")
_LINKS = {"canonical", "next", "prev", "alternate", "license", "author"}  # rel of <link> that loads nothing


class _Loads(HTMLParser):
    """The foreign addresses that a document loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        names = [name for name in _LOADING if name in values]
        if tag == "link" and not set(values.get("rel", "").split()) <= _LINKS:
            names.append("href")
        self.found += [values[name] for name in names if _FOREIGN.match(values[name])]
        self.found += _IN_STYLE.findall(values.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style" or self.cdata_elem == "style":
            self.found += _IN_STYLE.findall(data)


def find_foreign(name: str, text: str) -> list[str]:
    """Return the addresses of other hosts that an HTML document or a style sheet loads."""
    if name.endswith((".css", ".svg")):
        return _IN_STYLE.findall(text)
    page = _Loads()
    page.feed(text)
    page.close()
    return page.found


def check_site(site: Path) -> Iterator[str]:
    """Yield a line for each address that a file of the site would load from elsewhere."""
    for file in sorted(site.rglob("*")):
        if file.suffix in {".html", ".css", ".svg"}:
            for address in find_foreign(file.name, file.read_text()):
                yield f"{file.relative_to(site)} loads {address}"
