"""The diagram of the documentation, docs/images/corridor.svg, drawn from the tables of the code."""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import pairwise, starmap
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple, get_args

import fastapi_cognito_guard
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.decisions import Decision
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.principal import Principal, Source
from fastapi_cognito_guard.request_state import GatewayMode

CORRIDOR = Path(__file__).parent.parent / "docs" / "images" / "corridor.svg"
LABEL = "The way of a request, from the token or the event to the decision"
LEFT, SIDE, WIDTH, BOTH, GAP = 10, 660, 300, 620, 32
LINE, PAD, CHAR = 18, 12, 6.9  # pixels: height of a line, margin of a box, width of a letter at 13 px
# The scheme of the page that shows the picture decides, where browsers pass it on; else that of the system.
STYLE = """
:root { color-scheme: light dark }
text { font: 13px ui-sans-serif, system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.box { fill: #f6f8fa; stroke: #8c959f }
.good { fill: #dafbe1; stroke: #1a7f37 }
.bad { fill: #ffebe9; stroke: #cf222e }
.way { fill: none; stroke: #57606a; stroke-width: 1.5; marker-end: url(#tip) }
#tip path { fill: #57606a }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .box { fill: #161b22; stroke: #6e7681 }
  .good { fill: #12261e; stroke: #3fb950 }
  .bad { fill: #2d1417; stroke: #f85149 }
  .way { stroke: #9198a1 }
  #tip path { fill: #9198a1 }
}
"""


class Text(NamedTuple):
    """The title and the paragraphs of a box."""

    title: str
    paragraphs: list[str]
    kind: str = "box"


class Box(NamedTuple):
    """A titled box with lines of text."""

    x: int
    y: int
    width: int
    title: str
    lines: list[str]
    kind: str = "box"

    @property
    def height(self) -> int:
        return LINE * (1 + len(self.lines)) + 2 * PAD - 4

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def draw(self) -> Iterator[str]:
        size = f'width="{self.width}" height="{self.height}"'
        yield f'<rect class="{self.kind}" x="{self.x}" y="{self.y}" {size} rx="6"/>'
        for number, text in enumerate([self.title, *self.lines]):
            style = ' class="title"' if number == 0 else ""
            y = self.y + PAD + LINE * number + 10
            yield f'<text{style} x="{self.x + PAD}" y="{y}">{escape(text)}</text>'


def draw_corridor() -> str:
    """Return the way of a request: a door, claims, a principal, requirements, a decision."""
    doors = _build_doors()
    steps = list(_stack(LEFT, max(door.bottom for door in doors) + GAP, BOTH, GAP, _list_steps()))
    refusals = list(_stack(SIDE, 10, WIDTH, 14, _list_refusals()))
    ways = [_point_down(door, steps[0]) for door in doors] + list(starmap(_point_down, pairwise(steps)))
    ways += [
        _point_aside(box, refusal.y + 24)
        for box, refusal in ((doors[1], refusals[0]), (steps[0], refusals[0]), (steps[2], refusals[1]))
    ]
    boxes = [*doors, *steps, *refusals]
    return _write(SIDE + WIDTH + 10, max(box.bottom for box in boxes) + 10, boxes, ways)


def _build_doors() -> tuple[Box, Box]:
    own, *vouched = (f'"{source}"' for source in get_args(Source))
    token = [
        "The bearer token of the request:",
        "form, signature, key of the pool.",
        f"source: {own}",
    ]
    gateway = [
        "The claims that an authorizer of API Gateway has left in the event.",
        f"source: {', '.join(vouched)}",
    ]
    return (
        _fill(LEFT, 10, WIDTH, Text("Token door", token)),
        _fill(LEFT + BOTH - WIDTH, 10, WIDTH, Text("Gateway door", gateway)),
    )


def _list_steps() -> Iterator[Text]:
    checks = (
        "The same checks at both doors: issuer, app client, type of token, times, revocation if it is set."
    )
    modes = ", ".join(f'"{mode}"' for mode in get_args(GatewayMode))
    yield Text("Claims", [checks, f"The setting gateway decides on the door: {modes}."])
    yield Text("Principal", [", ".join(_list_attributes())])
    names = [name for name in fastapi_cognito_guard.__all__ if name.startswith("require")]
    yield Text("Requirements of the route", [", ".join(names)])
    yield Text("The route is called", [], "good")
    fields = ", ".join(Decision.__annotations__)
    yield Text("One decision for each request, allowed or refused", [fields])


def _list_refusals() -> Iterator[Text]:
    for group in AuthError.__subclasses__():
        codes = ", ".join(leaf.code for leaf in group.__subclasses__())
        yield Text(f"{group.status} {group.message}", [codes], "bad")
    dialects = ", ".join(f'"{name}"' for name in get_args(Semantics))
    yield Text("The form: that of the dialect", [f"semantics: {dialects}"])


def _list_attributes() -> list[str]:
    computed = [name for name, value in vars(Principal).items() if isinstance(value, property)]
    return [name for name in [*Principal.__annotations__, *computed] if not name.startswith("_")]


def _stack(x: int, y: int, width: int, gap: int, texts: Iterable[Text]) -> Iterator[Box]:
    for text in texts:
        box = _fill(x, y, width, text)
        yield box
        y = box.bottom + gap


def _fill(x: int, y: int, width: int, text: Text) -> Box:
    letters = int((width - 2 * PAD) / CHAR)
    lines = [line for part in text.paragraphs for line in wrap(part, letters, break_on_hyphens=False)]
    return Box(x, y, width, text.title, lines, text.kind)


def _point_down(box: Box, below: Box) -> str:
    return f'<path class="way" d="M{box.x + box.width // 2} {box.bottom} V{below.y - 4}"/>'


def _point_aside(box: Box, y: int) -> str:
    edge = box.x + box.width
    return f'<path class="way" d="M{edge} {box.y + 24} H{edge + 12} V{y} H{SIDE - 4}"/>'


def _write(width: int, height: int, boxes: Iterable[Box], ways: Iterable[str]) -> str:
    tip = (
        '<marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-label="{LABEL}">',
        f"<style>{STYLE}</style>",
        f'<defs>{tip}<path d="M0 0 8 4 0 8z"/></marker></defs>',
        *ways,
        *(line for box in boxes for line in box.draw()),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the diagram."""
    CORRIDOR.write_text(draw_corridor())


if __name__ == "__main__":
    main()
