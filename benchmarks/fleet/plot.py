"""The plot: two panels as one SVG, readable on a light and on a dark page."""

from collections.abc import Mapping, Sequence
from html import escape

from benchmarks.fleet.scenarios import FILE, GUARD, HOUR, OUTAGES, PYJWT, WITHOUT, Outcomes
from benchmarks.fleet.simulate import Outcome
from benchmarks.fleet.world import WINDOW

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 380, 220, 56, 44, 90
# With contrast on white and on black. The lines of the models lie on others in part, so they are dashed.
_COLOURS = {GUARD: "#2f81f7", FILE: "#2da44e", PYJWT: "#e8590c", WITHOUT: "#bf4fd6"}
_OTHERS = (("#8c8c8c", "7 4"), ("#c69026", "2 4"), ("#bf4fd6", "9 5"))
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600; font-size: 13px }
.grid { stroke: #8886; stroke-width: 1 }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round }
@media (prefers-color-scheme: dark) { text { fill: #c9d1d9 } }
"""

Points = Sequence[tuple[float, float]]
Ticks = Sequence[tuple[float, str]]


def draw(in_step: Mapping[str, Outcome], outages: Outcomes) -> str:
    """Return the SVG of fetches over time, and of refusals by the length of an outage."""
    titles = list(dict.fromkeys(title for title, _ in outages))
    panels = (
        _draw_panel(
            "Fetches per second of 1,000 workers started at once",
            {title: _list_rates(outcome) for title, outcome in in_step.items() if "half" not in title},
            x=[(minute * 60, f"{minute} min") for minute in (0, 15, 30, 45, 60)],
            y=[(rate, str(rate)) for rate in (0, 25, 50, 75, 100)],
        ),
        _draw_panel(
            "Refused requests of a function, by outage",
            {title: _list_refused(title, outages) for title in titles},
            x=[(index, text) for index, text in enumerate(("1 s", "1 min", "10 min", "1 h", "2 h", "3 h"))],
            y=[(share, f"{share:.0%}") for share in (0, 0.25, 0.5, 0.75, 1)],
        ),
    )
    width, height = 2 * (_LEFT + _WIDTH) + _GAP, _TOP + _HEIGHT + 40 + 18 * len(titles)
    second = f'<g transform="translate({_LEFT + _WIDTH + _GAP - 20} 0)">{panels[1]}</g>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f"<title>Fetches over time, and refused requests by the length of an outage</title>"
        f"<style>{_STYLE}</style>{panels[0]}{second}</svg>\n"
    )


def _draw_panel(title: str, lines: Mapping[str, Points], *, x: Ticks, y: Ticks) -> str:
    def to_x(value: float) -> float:
        return round(_LEFT + _WIDTH * value / x[-1][0], 1)

    def to_y(value: float) -> float:
        return round(_TOP + _HEIGHT * (1 - min(value, y[-1][0]) / y[-1][0]), 1)

    drawn = [_write(_LEFT, 20, title, "title")]
    for value, text in y:
        drawn.append(f'<path class="grid" d="M{_LEFT} {to_y(value)}h{_WIDTH}"/>')
        drawn.append(_write(_LEFT - 8, to_y(value) + 4, text, anchor="end"))
    drawn += [_write(to_x(value), _TOP + _HEIGHT + 18, text, anchor="middle") for value, text in x]
    others = iter(_OTHERS)
    for index, (name, points) in enumerate(lines.items()):
        colour, dashes = (_COLOURS[name], "none") if name in _COLOURS else next(others)
        stroke = f'stroke="{colour}" stroke-dasharray="{dashes}"'
        path = " ".join(f"{to_x(at)},{to_y(value)}" for at, value in points)
        drawn.append(f'<polyline class="line" {stroke} points="{path}"/>')
        drawn += _draw_key(index, name, stroke)
    return "".join(drawn)


def _draw_key(index: int, name: str, stroke: str) -> list[str]:
    below = _TOP + _HEIGHT + 42 + 18 * index
    return [
        f'<path {stroke} stroke-width="2.5" d="M{_LEFT} {below - 4}h28"/>',
        _write(_LEFT + 36, below, name.replace("`", "")),
    ]


def _write(x: float, y: float, text: str, style: str = "", *, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{style}" text-anchor="{anchor}">{escape(text)}</text>'


def _list_rates(outcome: Outcome) -> Points:
    return [(window * WINDOW, outcome.endpoint.rate(window)) for window in range(HOUR // WINDOW + 1)]


def _list_refused(title: str, outages: Outcomes) -> Points:
    return [
        (
            index,
            sum(outages[title, seconds].share(status, HOUR / 2, HOUR / 2 + seconds) for status in (401, 503)),
        )
        for index, seconds in enumerate(OUTAGES)
    ]
