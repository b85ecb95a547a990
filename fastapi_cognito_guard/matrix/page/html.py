"""The table of a page in HTML, its doors and its legend. Each text is escaped here, and nowhere else."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from fastapi_cognito_guard.matrix.callers import Caller
from fastapi_cognito_guard.matrix.markdown import format_answer
from fastapi_cognito_guard.matrix.page.rows import Cell, Group, PageRow, differs
from fastapi_cognito_guard.matrix.page.words import (
    DOORS,
    LEGEND,
    NO_WEBSOCKETS,
    choose_style,
    describe_route,
    describe_word,
)
from fastapi_cognito_guard.matrix.table import Answer, Matrix
from fastapi_cognito_guard.validation import escape_unprintable

_MANY_CALLERS, _MOST_CALLERS = 14, 26  # on paper, their names turn, and then the type gets smaller
_BREAK_AFTER = "/.:_-,"


def format_text(text: str) -> str:
    """Return a text as HTML, also for an attribute in quotes."""
    return escape(escape_unprintable(text))


def format_name(text: str) -> str:
    """Return a name as HTML that may break where its parts end."""
    return "".join(
        f"{escape(char)}<wbr>" if char in _BREAK_AFTER else escape(char) for char in escape_unprintable(text)
    )


def format_doors(matrices: Sequence[Matrix]) -> str:
    """Return the choice of a door, if there are several, and a sentence about each."""
    most = max(len(each.rows) for each in matrices)
    sentences = [
        _format_door(number, matrix, is_short=len(matrix.rows) < most)
        for number, matrix in enumerate(matrices)
    ]
    if len(matrices) == 1:
        return sentences[0]
    choices = [
        f'<label><input type="radio" name="door" id="door{number}"{" checked" if number == 0 else ""}>'
        f"<span>{DOORS[matrix.door].name}</span></label>"
        for number, matrix in enumerate(matrices)
    ]
    return "\n".join(['<fieldset class="doors"><legend>Door</legend>', *choices, "</fieldset>", *sentences])


def format_legend(answers: Iterable[Answer], *, is_marked: bool) -> str:
    """Return what the words in the cells mean, as far as they occur."""
    styles = {format_answer(each): choose_style(each) for each in answers}
    order = [*LEGEND, *sorted(styles.keys() - LEGEND.keys())]
    items = [
        f'<li><span class="answer {styles[word]}">{word}</span> {describe_word(word)}</li>'
        for word in order
        if word in styles
    ]
    if is_marked:
        items.append('<li><span class="mark"></span> differs by door</li>')
    return "\n".join(items)


def format_table(callers: Sequence[Caller], groups: Iterable[Group], doors: int) -> str:
    """Return the table: one row for a route, one column for a caller."""
    size = len(callers)
    style = "most" if size > _MOST_CALLERS else "many" if size > _MANY_CALLERS else "few"
    names = [
        f'<th scope="col" class="caller" title="{format_text(caller.name)}">'
        f"<span>{format_name(caller.name)}</span></th>"
        for caller in callers
    ]
    return "\n".join(
        [
            f'<table class="{style}">',
            '<caption class="aside">Routes by callers: who may do what</caption>',
            f'<thead><tr><th scope="col" class="route">Route</th>{"".join(names)}</tr></thead>',
            *(line for group in groups for line in _format_group(group, size + 1, doors)),
            "</table>",
        ]
    )


def _format_door(number: int, matrix: Matrix, *, is_short: bool) -> str:
    name, sentence = DOORS[matrix.door]
    more = f" {NO_WEBSOCKETS}" if is_short else ""
    return f'<p class="door at at{number}"><strong>{name}.</strong> {sentence}{more}</p>'


def _format_group(group: Group, width: int, doors: int) -> Iterator[str]:
    yield "<tbody>"
    if group.name:
        yield (
            f'<tr class="group"><th scope="rowgroup" colspan="{width}">'
            f"<span>{format_text(group.name)}</span></th></tr>"
        )
    for row in group.rows:
        yield _format_row(row, doors)
    yield "</tbody>"


def _format_row(row: PageRow, doors: int) -> str:
    info = row.route.info
    methods = row.route.name.removesuffix(info.path).strip()
    requires = describe_route(row.route)
    is_open = " open" if row.route.open_to_nobody else ""
    style = "row" if len(row.doors) == doors else f"row {_list_places(row.doors)}"
    return (
        f'<tr class="{style}"><th scope="row" class="route" '
        f'title="{format_text(f"{row.route.name}: {requires}")}">'
        f'<div><span class="methods">{format_text(methods)}</span> '
        f'<span class="path">{format_name(info.path)}</span> '
        f'<span class="requires{is_open}">{format_text(requires)}</span></div></th>'
        f"{''.join(map(_format_cell, row.cells))}</tr>"
    )


def _format_cell(cell: Cell) -> str:
    if not differs(cell):
        return f"<td>{_format_answer(next(each for each in cell if each is not None))}</td>"
    places: dict[str, list[int]] = {}
    answers: dict[str, Answer] = {}
    for door, answer in enumerate(cell):
        if answer is not None:
            places.setdefault(format_answer(answer), []).append(door)
            answers.setdefault(format_answer(answer), answer)
    shown = [_format_answer(answer, _list_places(places[word])) for word, answer in answers.items()]
    return f'<td class="differs">{"".join(shown)}<span class="aside">, not at every door</span></td>'


def _format_answer(answer: Answer, places: str = "") -> str:
    word = format_answer(answer)
    more = {"yes": "", "check": " of the app"}.get(word, " refused")
    aside = f'<span class="aside">{more}</span>' if more else ""
    style = " ".join(filter(None, ("answer", choose_style(answer), places)))
    return f'<span class="{style}">{word}{aside}</span>'


def _list_places(doors: Iterable[int]) -> str:
    """Return the CSS classes of what is shown at some doors only."""
    return " ".join(["at", *(f"at{door}" for door in doors)])
