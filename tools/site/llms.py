"""``llms.txt``: the pages for language models, as a list of links and as one text."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.site.stage import list_nav, read_head


def write_texts(nav: list[Any], name: str, summary: str, pages: Mapping[str, str], site: Path) -> None:
    """Write the pages as Markdown, the list of them, and all of them in one file."""
    for page, text in pages.items():
        target = site / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (site / "llms.txt").write_text(build_list(nav, name, summary, pages))
    (site / "llms-full.txt").write_text("\n\n".join(text.strip() for text in pages.values()) + "\n")


def build_list(nav: list[Any], name: str, summary: str, pages: Mapping[str, str]) -> str:
    """Return the list in the form of llmstxt.org: title, summary, and a section for each part of the nav."""
    lines = [f"# {name}", "", f"> {summary}", ""]
    for entry in nav:
        ((title, value),) = entry.items()
        section = value if isinstance(value, list) else [entry]
        lines += [f"## {title}", "", *_list_section(section, pages), ""]
    return "\n".join(lines)


def _list_section(section: list[Any], pages: Mapping[str, str]) -> Iterable[str]:
    for title, page in list_nav(section):
        if page in pages:
            yield f"- [{title}]({page}): {read_head(pages[page])[1]}".rstrip(": ")
