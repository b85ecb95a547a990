"""Checks of values that others wrote."""

from typing import Any

from fastapi_cognito_guard.validation import is_too_deep


def test_claims_may_be_nested_32_deep_and_no_deeper() -> None:
    deep: Any = {}
    for _ in range(31):
        deep = {"x": deep}
    assert not is_too_deep(deep)
    assert is_too_deep({"x": deep})
