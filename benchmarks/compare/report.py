"""Tables of the comparison, as Markdown."""

from collections.abc import Mapping, Sequence

from benchmarks.compare.adapters import Peer
from benchmarks.compare.cases import ACCEPTS, GOOD, Verdict, count_errors, find_differences, list_hostile
from benchmarks.compare.coldstart import BASE, Start
from benchmarks.compare.faults import SCENARIOS, Step
from benchmarks.compare.features import FACTS, TITLES
from benchmarks.peers import Outcome

_SHOWN = 0.5  # seconds, from which on a duration is shown


def render_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Render a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def render_libraries(peers: Sequence[Peer], versions: Mapping[str, str], skipped: Mapping[str, str]) -> str:
    """Render the libraries with their versions, or the reason why one was skipped."""
    rows = [
        (peer.name, f"`{peer.distribution}`", versions.get(peer.name, ""), skipped.get(peer.name, "ran"))
        for peer in peers
    ]
    return render_table(("name here", "package", "version", "result"), rows)


def render_verdicts(verdicts: Mapping[str, Sequence[Verdict]]) -> str:
    """Render how many hostile tokens each library refused, and with what."""
    rows = []
    for name, own in verdicts.items():
        good = [verdict.answer for verdict in own if verdict.case in GOOD]
        hostile = list_hostile(own)
        forged = [verdict for verdict in hostile if not verdict.signed]
        signed = [verdict for verdict in hostile if verdict.signed]
        errors = ", ".join(f"{answer} {count}" for answer, count in count_errors(own).most_common())
        rows.append((name, *good, _count_refused(forged), _count_refused(signed), errors))
    head = ("library", *GOOD, "forged: refused", "signed: refused", "with")
    return render_table(head, rows)


def _count_refused(verdicts: Sequence[Verdict]) -> str:
    refused = sum(verdict.answer != ACCEPTS for verdict in verdicts)
    return f"{refused} of {len(verdicts)}"


def render_differences(verdicts: Mapping[str, Sequence[Verdict]], *, signed: bool) -> str:
    """Render the hostile tokens that some library accepts. A dash: the case does not exist there."""
    names = list(verdicts)
    rows = [
        (
            case,
            *(
                "**accepts**" if own.get(name) == ACCEPTS else "refuses" if name in own else "-"
                for name in names
            ),
        )
        for case, own in find_differences(verdicts, signed=signed).items()
    ]
    return render_table(("token", *names), rows) if rows else "No library accepted one."


def render_faults(results: Mapping[str, Mapping[str, Sequence[Step]]]) -> str:
    """Render one table for each fault of the key server."""
    parts = []
    for title, (_, description) in SCENARIOS.items():
        steps = results[title]
        titles = [step.title for step in max(steps.values(), key=len)]
        rows = [(name, *map(_render_step, own)) for name, own in steps.items()]
        padded = [(*row, *[""] * (len(titles) + 1 - len(row))) for row in rows]
        parts.append(f"### {title}\n\n{description}\n\n{render_table(('library', *titles), padded)}")
    return "\n\n".join(parts)


def _render_step(step: Step) -> str:
    took = f", {step.seconds:.1f} s" if step.seconds >= _SHOWN else ""
    fetched = f", {step.fetches} fetch{'es' if step.fetches > 1 else ''}" if step.fetches else ""
    return f"{step.answer}{took}{fetched}"


def render_speed(outcomes: Sequence[Outcome]) -> str:
    """Render the cost of one verification, the lowest first."""
    timed = [(outcome.name, outcome.ratio) for outcome in outcomes if outcome.ratio is not None]
    rows = [
        (name, f"{ratio.median:.2f}", f"{ratio.low:.2f} to {ratio.high:.2f}")
        for name, ratio in sorted(timed, key=lambda pair: pair[1].median)
    ]
    rows += [(outcome.name, "skipped", outcome.skipped) for outcome in outcomes if outcome.ratio is None]
    return render_table(("library", "one access token / raw RSA verify", "quartiles"), rows)


def render_starts(starts: Mapping[str, Mapping[str, Start]]) -> str:
    """Render the cold starts, the shortest first."""
    kinds = list(starts)
    names = sorted(starts[kinds[0]], key=lambda name: starts[kinds[0]][name].ratio.median)
    head = ["library", *(f"{kind} / {BASE}" for kind in kinds)]
    rows = [(name, *(_render_start(starts[kind].get(name)) for kind in kinds)) for name in names]
    return render_table(head, rows)


def _render_start(start: Start | None) -> str:
    return "-" if start is None else f"{start.ratio.median:.2f} ({start.milliseconds:.0f} ms)"


def render_facts(names: Sequence[str]) -> str:
    """Render the facts that were read."""
    return render_table(("library", *TITLES), [(name, *FACTS[name]) for name in names])
