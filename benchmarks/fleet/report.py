"""The outcomes as tables in Markdown, and into the page."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf

from benchmarks.fleet.scenarios import HOUR, Outcomes, find_recovery
from benchmarks.fleet.simulate import Outcome


def render_sizes(outcomes: Outcomes, ramp: Callable[[float], float]) -> str:
    """Render fetches per second, at the start and later."""

    def render(size: float, outcome: Outcome) -> str:
        return f"{_round(outcome.mean(0, ramp(size)))} / {_round(outcome.mean(HOUR, 2 * HOUR))}"

    return _render_grid("environments", outcomes, lambda size: f"{size:,}", render)


def render_in_step(outcomes: Mapping[str, Outcome]) -> str:
    """Render the highest rates of fetches after a start of all at once."""
    rows = ((title, *_list_peaks(outcome)) for title, outcome in outcomes.items())
    return _render(("policy", "peak, first hour after the start", "peak, second hour", "mean"), rows)


def render_outages(outcomes: Outcomes) -> str:
    """Render the share of refused requests, and the time to recovery."""

    def render(seconds: float, outcome: Outcome) -> str:
        first, last = HOUR / 2, HOUR / 2 + seconds
        recovery = _render_time(find_recovery(outcome, last, last + 900))
        return f"{_render_refused(outcome, first, last)}, {recovery}"

    return _render_grid("outage", outcomes, _render_time, render)


def render_rates_of_outages(outcomes: Outcomes) -> str:
    """Render the highest rates of fetches in an outage, and in the 10 minutes after it."""

    def render(seconds: float, outcome: Outcome) -> str:
        first, last = HOUR / 2, HOUR / 2 + seconds
        return f"{_round(outcome.peak(first, last))} / {_round(outcome.peak(last, last + 600))}"

    return _render_grid("outage", outcomes, _render_time, render)


def render_rotation(outcomes: Mapping[str, Outcome]) -> str:
    """Render refusals and the rate of fetches in the hour after a rotation."""
    first, last = HOUR / 2, 1.5 * HOUR
    rows = (
        (
            title,
            _render_refused(outcome, first, last),
            _render_time(find_recovery(outcome, first, last)),
            _round(outcome.mean(first, first + 600)),
        )
        for title, outcome in outcomes.items()
    )
    head = (
        "policy",
        "refused in the hour after",
        "last refusal after",
        "fetches per second, first 10 minutes",
    )
    return _render(head, rows)


def render_limits(outcomes: Outcomes, ramp: float) -> str:
    """Render refusals in the start of a fleet at an address with a limit."""

    def render(limit: float, outcome: Outcome) -> str:
        recovery = find_recovery(outcome, ramp, HOUR / 4)
        return f"{_render_refused(outcome, 0, 600)}, {_render_time(recovery)}"

    return _render_grid("limit", outcomes, lambda limit: f"{limit} per second", render)


def write_tables(page: str, tables: Mapping[str, str]) -> str:
    """Return a page with these tables in place of those between its marks of the same names."""
    for name, table in tables.items():
        before, mark, rest = page.partition(f"<!-- fleet: {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            raise SystemExit(f"The page has no marks for the table {name}.")
        page = f"{before}{mark}\n{table}\n\n{end}{after}"
    return page


def _list_peaks(outcome: Outcome) -> Sequence[str]:
    first, second = outcome.peak(300, 300 + HOUR), outcome.peak(HOUR, 2 * HOUR)
    return _round(first), _round(second), _round(outcome.mean(300, 2 * HOUR))


def _render_grid(
    name: str, outcomes: Outcomes, head: Callable[[float], str], cell: Callable[[float, Outcome], str]
) -> str:
    columns = sorted({column for _, column in outcomes}, reverse=name == "limit")
    titles = dict.fromkeys(title for title, _ in outcomes)
    rows = ((title, *(cell(column, outcomes[title, column]) for column in columns)) for title in titles)
    return _render((name, *map(head, columns)), rows)


def _render(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _render_refused(outcome: Outcome, first: float, last: float) -> str:
    shares = {status: outcome.share(status, first, last) for status in outcome.refused}
    named = [f"{_percent(share)} {status}" for status, share in shares.items() if share]
    return " + ".join(named) or "none"


def _percent(share: float) -> str:
    return "< 0.1 %" if share < 0.001 else f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def _render_time(seconds: float) -> str:
    if seconds == inf:
        return "never"
    if seconds >= HOUR and seconds % HOUR == 0:
        return f"{seconds / HOUR:.0f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 120 or seconds == 60 else f"{seconds:.0f} s"


def _round(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 or rate == 0 else f"{rate:.1f}" if rate >= 0.1 else f"{rate:.2f}"
