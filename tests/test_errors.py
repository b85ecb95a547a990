"""The tree of errors: stable codes, and a docstring that draws the tree as it is."""

import re
from collections.abc import Iterator

import pytest

from fastapi_cognito_guard import errors
from fastapi_cognito_guard.errors import AlgorithmNotAllowed, AuthError, GuardError, KeysUnavailable


def tree(base: type[GuardError]) -> Iterator[type[GuardError]]:
    yield base
    for child in base.__subclasses__():
        yield from tree(child)


def test_the_docstring_draws_the_whole_tree() -> None:
    drawn = re.findall(r"(?:├── |└── |^    )(\w+)", errors.__doc__ or "", re.MULTILINE)
    assert drawn == [error.__name__ for error in tree(GuardError)]


def test_each_leaf_is_drawn_with_its_code() -> None:
    leaves = [error for error in tree(AuthError) if not error.__subclasses__()]
    for leaf in leaves:
        assert issubclass(leaf, AuthError)
        assert re.search(rf"{leaf.__name__} .*\b{leaf.code}\n", errors.__doc__ or "")
    assert len({leaf.code for leaf in leaves if issubclass(leaf, AuthError)}) == len(leaves)


@pytest.mark.parametrize(
    ("branch", "status"),
    [(errors.Unauthenticated, 401), (errors.Forbidden, 403), (errors.KeysUnavailable, 503)],
)
def test_a_branch_has_one_status(branch: type[AuthError], status: int) -> None:
    assert {error.status for error in tree(branch) if issubclass(error, AuthError)} == {status}


@pytest.mark.parametrize("algorithm", ["made\r\nup", "rs256", 5, None, ["ES256"]])
def test_an_unregistered_algorithm_is_not_repeated(algorithm: object) -> None:
    assert AlgorithmNotAllowed("no", algorithm=algorithm).algorithm is None


def test_retry_after_is_at_least_a_second() -> None:
    assert KeysUnavailable("no", retry_after=-3).retry_after == 1
