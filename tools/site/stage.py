"""The pages of docs/ as the generator reads them: a copy in build/docs, complete in itself."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.site.reference import add_directives

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
STAGE = ROOT / "build" / "docs"
FILES = "files"  # of the repository, to which pages link
OUTSIDE = {"SECURITY.md": "security.md", "CHANGELOG.md": "changelog.md"}  # not in docs/, and pages too
_FENCE = re.compile(r"^```(\w+) (\S+\.\w+)$", re.MULTILINE)  # a block of code with the name of a file
_IMAGE = re.compile(r"^!\[(.*)\]\((images/\w+)\.png\)$", re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()([^)#:\s]+)(?=(?:#[^)\s]*)?\))")


def stage_pages() -> None:
    """Write the copy anew."""
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(DOCS, STAGE)
    shutil.copy(Path(__file__).with_name("site.css"), STAGE)
    for name, page in OUTSIDE.items():
        (STAGE / page).write_text(_rewrite((ROOT / name).read_text(), ROOT))
    for file in DOCS.glob("*.md"):
        (STAGE / file.name).write_text(_rewrite(file.read_text(), DOCS))
    reference = STAGE / "reference.md"
    reference.write_text(add_directives(reference.read_text()))
    _stage_examples()


def list_nav(nav: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield the title and the page of each entry, in order."""
    for entry in nav:
        for title, value in entry.items():
            if isinstance(value, list):
                yield from list_nav(value)
            else:
                yield title, value


def _stage_examples() -> None:
    """Write a page for each example, and one that lists them."""
    lines = ["# Examples", "", "Each is a directory of `examples/`, with tests.", ""]
    for readme in sorted(ROOT.glob("examples/*/README.md")):
        name, text = readme.parent.name, readme.read_text()
        target = STAGE / "examples" / f"{name.replace('_', '-')}.md"
        target.parent.mkdir(exist_ok=True)
        target.write_text(_rewrite(text, readme.parent, up="../"))
        title, summary = read_head(text)
        lines.append(f"- [{title}](examples/{target.name}): {summary}")
    (STAGE / "examples.md").write_text("\n".join(lines) + "\n")


def read_head(text: str) -> tuple[str, str]:
    """Return the title of a page, and the first sentence before its first section, or an empty text."""
    title, _, rest = text.partition("\n")
    head = re.sub(r"```.*?```", "", rest.split("\n## ")[0], flags=re.DOTALL)
    paragraphs = [part for part in head.split("\n\n") if re.match(r"\s*[A-Z`*\[]", part)]
    first = " ".join(paragraphs[0].split()) if paragraphs else ""
    sentence = re.split(r"(?<=\.) ", first, maxsplit=1)[0]
    return title.lstrip("# ").strip(), re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", sentence).rstrip(":.")


def _rewrite(text: str, folder: Path, up: str = "") -> str:
    """Write file names as titles, and let links to files outside docs/ lead to copies in the stage."""

    def move(link: re.Match[str]) -> str:
        if folder == DOCS and ".." not in link[1]:
            return link[1]
        return up + _place((folder / link[1]).resolve(), link[1])

    return _LINK.sub(move, _IMAGE.sub(_add_dark, _FENCE.sub(r'```\1 title="\2"', text)))


def _add_dark(image: re.Match[str]) -> str:
    """Let the dark scheme of the site show the dark picture, if there is one."""
    if not (DOCS / f"{image[2]}-dark.png").exists():
        return image[0]
    return f"![{image[1]}]({image[2]}.png#only-light)\n![{image[1]}]({image[2]}-dark.png#only-dark)"


def _place(target: Path, link: str) -> str:
    """Return the address of a file of the repository within the stage. What is no page is copied there."""
    if target.is_relative_to(DOCS):
        return target.relative_to(DOCS).as_posix()
    path = target.relative_to(ROOT)
    if path.as_posix() in OUTSIDE:
        return OUTSIDE[path.as_posix()]
    if path.name == "README.md" and path.parts[0] == "examples":
        return f"examples/{path.parts[1].replace('_', '-')}.md"
    copy = STAGE / FILES / path
    if target.is_dir():
        return _list_files(target, copy.with_suffix(".md"))
    if not target.is_file():
        raise SystemExit(f"{link} does not exist: the site cannot link to it.")
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(target, copy)
    return f"{FILES}/{path.as_posix()}"


def _list_files(folder: Path, page: Path) -> str:
    """Write a page with the files of a directory, which are copied."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file()]
    links = [_place(file, file.name).removeprefix(f"{page.parent.relative_to(STAGE)}/") for file in files]
    lines = [f"# {folder.relative_to(ROOT)}", "", *(f"- [{Path(link).name}]({link})" for link in links)]
    page.write_text("\n".join(lines) + "\n")
    return page.relative_to(STAGE).as_posix()
