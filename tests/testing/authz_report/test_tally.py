"""Tallies of several test processes become one."""

import json
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard.testing.authz_report.tally import Tally

PLACES = list(product(["/a", "/b"], ["GET", "POST"], ["allowed", "refused without a token"]))
exercised = st.sets(st.sampled_from(PLACES))


def make_tally(marks: set[tuple[str, str, str]], key: str = "key") -> Tally:
    tally = Tally()
    tally.add_app(key, "main", PLACES)
    for place in marks:
        tally.mark(key, *place)
    return tally


def dumped(tally: Tally) -> list[object]:
    """Return what is left of a tally after a way through types that all transports know."""
    received: list[object] = json.loads(json.dumps(tally.dump()))
    return received


@given(st.lists(exercised, max_size=4))
def test_merged_tallies_have_what_any_process_exercised(processes: list[set[tuple[str, str, str]]]) -> None:
    merged = Tally()
    for marks in processes:
        merged.merge(dumped(make_tally(marks)))
    expected = set().union(*processes)
    assert (merged.exercised, merged.total) == (len(expected), len(PLACES) if processes else 0)
    assert dumped(merged) == (dumped(make_tally(expected)) if processes else [])
    assert merged.reaches(100) is (expected == set(PLACES))


def test_apps_with_other_keys_stay_apart() -> None:
    merged = make_tally(set(PLACES))
    merged.merge(dumped(make_tally(set(), "another")))
    assert (merged.exercised, merged.total) == (len(PLACES), 2 * len(PLACES))
    assert merged.reaches(50)
    assert not merged.reaches(50.1)


def test_nothing_reaches_only_zero_percent() -> None:
    assert Tally().reaches(0)
    assert not Tally().reaches(0.001)


def test_what_is_left_is_sorted() -> None:
    left = make_tally({("/a", "GET", "allowed")}).apps["key"].list_untouched()
    assert [(path, method) for path, method, _ in left] == [
        ("/a", "GET"), ("/a", "POST"), ("/b", "GET"), ("/b", "POST"),
    ]  # fmt: skip
    assert left[0][2] == ["refused without a token"]
