"""Addresses of other hosts that a page would load by itself."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_FOREIGN = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_IN_STYLE = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])\s*((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)
_LOADING = {"src", "srcset", "imagesrcset", "data", "poster", "background"}
_BY_HREF = {"link", "image", "use", "feimage"}  # elements that load their href or xlink:href
_NO_LOAD = {"canonical", "next", "prev", "alternate", "license", "author"}  # rel of links that load nothing


class _Loads(HTMLParser):
    """The foreign addresses that a document loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.found += _IN_STYLE.findall(values.get("style", ""))
        names = _LOADING & values.keys()
        if tag in _BY_HREF and not (tag == "link" and set(values.get("rel", "").split()) <= _NO_LOAD):
            names |= {"href", "xlink:href"} & values.keys()
        for name in sorted(names):
            for address in values[name].split(",") if name.endswith("srcset") else [values[name]]:
                self.found += [address.strip()] if _FOREIGN.match(address.strip()) else []

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.found += _IN_STYLE.findall(data)


def find_foreign(name: str, text: str) -> list[str]:
    """Return the addresses of other hosts that a document or a style sheet loads."""
    if name.endswith(".css"):
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
