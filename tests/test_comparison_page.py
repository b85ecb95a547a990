"""The page docs/comparison.md has the shape that scripts/compare writes. Its numbers are not tested."""

import re
from pathlib import Path

from benchmarks.compare.adapters import COMPARED
from benchmarks.compare.cases import GOOD, make_tokens
from benchmarks.compare.coldstart import OPTIONS
from benchmarks.compare.faults import SCENARIOS
from benchmarks.compare.features import FACTS, READ_AT
from benchmarks.compare.page import TEMPLATE
from benchmarks.compare.site import open_site

PAGE = Path(__file__).parent.parent / "docs" / "comparison.md"


def read_sections() -> dict[str, str]:
    """Return the text below each heading."""
    parts = re.split(r"^#{1,3} (.*)\n", PAGE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def list_names(section: str) -> list[str]:
    """Return the first column of all tables, without their heads."""
    rows = re.findall(r"^\| (.*?) \|", section, re.MULTILINE)
    return [row for row in rows if row not in {"---", "library", "token", "name here"}]


def test_the_page_has_the_prose_and_the_sections_of_the_template() -> None:
    prose = [line for line in TEMPLATE.read_text().splitlines() if line and "{" not in line]
    assert set(prose) <= set(PAGE.read_text().splitlines())
    headings = re.findall(r"^#{1,2} (.*)$", TEMPLATE.read_text(), re.MULTILINE)
    found = list(read_sections())
    assert [heading for heading in found if heading not in SCENARIOS] == headings
    assert [heading for heading in found if heading in SCENARIOS] == list(SCENARIOS)


def test_the_page_names_each_library_in_each_table() -> None:
    sections, names = read_sections(), [peer.name for peer in COMPARED]
    assert (
        list_names(sections["Comparison with other libraries"]) == names == list_names(sections["Features"])
    )
    assert set(FACTS) == set(names)
    assert set(READ_AT) == {peer.distribution for peer in COMPARED[1:]}
    libraries = sections["Comparison with other libraries"]
    running = [
        name for name in names if re.search(rf"^\| {re.escape(name)} \|.*\| ran \|$", libraries, re.MULTILINE)
    ]
    assert len(running) >= 8
    assert list_names(sections["Verdicts"])[: len(running)] == running
    for title, (_, description) in SCENARIOS.items():
        assert list_names(sections[title]) == running
        assert description in sections[title]
    assert set(list_names(sections["Cold start"])) == set(running)
    assert all(kind in sections["Cold start"] for kind in OPTIONS)


def test_the_page_names_only_cases_that_there_are() -> None:
    section = read_sections()["Verdicts"]
    cases: set[str] = set()
    for audience in (False, True):
        with open_site(audience=audience, started=False) as site:
            cases |= set(make_tokens(site))
    named = set(list_names(section)) - {peer.name for peer in COMPARED}
    assert named
    assert named <= cases
    assert all(case in section for case in GOOD)
