"""Waiting periods between fetches."""

from itertools import pairwise

from fastapi_cognito_guard.tokens.backoff import backoff


def test_waits_never_shrink_without_jitter() -> None:
    waits = [backoff(0.5, failures, asked=0, jitter=lambda: 0.0) for failures in range(1, 200)]
    assert all(before <= after for before, after in pairwise(waits))
    assert (waits[0], waits[-1]) == (0.5, 30.0)
