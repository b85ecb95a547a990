"""Lines of the report, at 80 columns."""

from collections import Counter
from collections.abc import Iterator
from textwrap import wrap

from fastapi_cognito_guard.testing.authz_report.tally import AppTally, Tally
from fastapi_cognito_guard.validation import escape_unprintable

_WIDTH = 80


def format_report(tally: Tally) -> list[str]:
    """Return the summary, and then what no test exercised."""
    if not tally.total:
        return ["No test has called a guarded app with routes."]
    apps = _name_apps(tally)
    lines = [line for name, app in apps for line in _format_share(app, name)]
    if len(apps) > 1:
        lines += _format_share(tally, "all apps")
    for name, app in apps:
        lines += _format_untouched(name, app)
    return lines


def format_percent(tally: AppTally | Tally) -> str:
    """Return the share that was exercised, rounded down: 100 only if nothing is left."""
    tenths = tally.exercised * 1000 // tally.total
    return f"{tenths // 10}.{tenths % 10} %"


def _name_apps(tally: Tally) -> list[tuple[str, AppTally]]:
    """Return the apps, sorted, with a number for each further one of the same name."""
    seen: Counter[str] = Counter()
    named = []
    for _, app in sorted(tally.apps.items(), key=lambda item: (item[1].name, -item[1].total, item[0])):
        if app.total:
            seen[app.name] += 1
            number = f" ({seen[app.name]})" if seen[app.name] > 1 else ""
            named.append((app.name + number, app))
    return named


def _format_share(tally: AppTally | Tally, name: str) -> list[str]:
    counted = f"{tally.exercised} of {tally.total} outcomes"
    return _fold(f"{format_percent(tally):>7}  {counted:<22}  {name}", 33)


def _format_untouched(name: str, app: AppTally) -> Iterator[str]:
    untouched = app.list_untouched()
    if untouched:
        yield ""
        yield from _fold(f"No test exercised in {name}:", 2)
    for path, method, outcomes in untouched:
        yield from _fold(f"  {method} {path}", 4)
        for outcome in outcomes:
            yield from _fold(f"    {outcome}", 6)


def _fold(text: str, indent: int) -> list[str]:
    """Fold a line. A character that a terminal would execute is written as an escape."""
    shown = escape_unprintable(text)
    return wrap(shown, _WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False, drop_whitespace=True)
