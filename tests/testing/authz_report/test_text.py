"""The printed report: a summary, then what is left, at 80 columns."""

from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard.testing.authz_report.tally import Tally
from fastapi_cognito_guard.testing.authz_report.text import format_percent, format_report

OUTCOMES = ["allowed", "refused without a token", "refused by require_group('admins')"]


def make_tally(name: str = "main", path: str = "/orders", *, marked: int = 1) -> Tally:
    tally = Tally()
    tally.add_app("key", name, [(path, "GET", outcome) for outcome in OUTCOMES])
    for outcome in OUTCOMES[:marked]:
        tally.mark("key", path, "GET", outcome)
    return tally


def test_the_summary_is_followed_by_what_is_left() -> None:
    tally = make_tally()
    tally.merge([["other", "main", [["/b", "GET", {"reached": True}]]]])
    tally.merge([["third", "shop", [["/b", "GET", {"reached": False}]]]])
    assert format_report(tally) == [
        " 33.3 %  1 of 3 outcomes         main",
        "100.0 %  1 of 1 outcomes         main (2)",
        "  0.0 %  0 of 1 outcomes         shop",
        " 40.0 %  2 of 5 outcomes         all apps",
        "",
        "No test exercised in main:",
        "  GET /orders",
        "    refused without a token",
        "    refused by require_group('admins')",
        "",
        "No test exercised in shop:",
        "  GET /b",
        "    reached",
    ]


def test_if_nothing_is_left_the_summary_is_all() -> None:
    assert format_report(make_tally(marked=3)) == ["100.0 %  3 of 3 outcomes         main"]


def test_the_percent_is_rounded_down() -> None:
    tally = Tally()
    tally.add_app("key", "main", [("/", "GET", str(number)) for number in range(10_000)])
    for number in range(9_999):
        tally.mark("key", "/", "GET", str(number))
    assert format_percent(tally) == "99.9 %"


def test_no_app_and_an_app_without_routes_are_told() -> None:
    tally = Tally()
    told = ["No test has called a guarded app with routes."]
    assert format_report(tally) == told
    tally.add_app("key", "main", [])
    assert format_report(tally) == told


@given(st.text(min_size=1, max_size=300), st.text(max_size=300))
def test_no_name_or_path_breaks_the_lines(name: str, path: str) -> None:
    for line in format_report(make_tally(name, path)):
        assert len(line) <= 80
        assert line.isprintable()
        assert line == line.rstrip()
