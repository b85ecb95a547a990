"""Page docs/comparison.md: prose, and tables from the data of one run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.compare import report
from benchmarks.compare.adapters import COMPARED
from benchmarks.compare.cases import Verdict
from benchmarks.compare.coldstart import Start
from benchmarks.compare.faults import FLOOD, WAIT, Step
from benchmarks.compare.features import READ_AT
from benchmarks.peers import Outcome

TEMPLATE = Path(__file__).with_name("comparison.md")


class Data(NamedTuple):
    """Results of one run."""

    date: str
    machine: str
    versions: Mapping[str, str]
    skipped: Mapping[str, str]
    verdicts: Mapping[str, Sequence[Verdict]]
    faults: Mapping[str, Mapping[str, Sequence[Step]]]
    speed: Sequence[Outcome]
    starts: Mapping[str, Mapping[str, Start]]


def render_page(data: Data) -> str:
    """Render the whole page."""
    return TEMPLATE.read_text().format(
        date=data.date,
        machine=data.machine,
        libraries=report.render_libraries(COMPARED, data.versions, data.skipped),
        changed=_name_changed(data),
        verdicts=report.render_verdicts(data.verdicts),
        forged=report.render_differences(data.verdicts, signed=False),
        signed=report.render_differences(data.verdicts, signed=True),
        faults=report.render_faults(data.faults),
        speed=report.render_speed(data.speed),
        starts=report.render_starts(data.starts),
        facts=report.render_facts([peer.name for peer in COMPARED]),
        wait=f"{WAIT:.0f}",
        flood=FLOOD,
    )


def _name_changed(data: Data) -> str:
    """Name the libraries whose code was read at another version than the one that ran."""
    others = [
        f"{peer.distribution} {READ_AT[peer.distribution]}"
        for peer in COMPARED
        if peer.distribution in READ_AT
        and data.versions.get(peer.name, READ_AT[peer.distribution]) != READ_AT[peer.distribution]
    ]
    return f" Read at another version than the one that ran: {', '.join(others)}." if others else ""
