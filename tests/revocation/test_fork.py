"""Fork of a process that remembers answers."""

import asyncio
import os

import pytest

from fastapi_cognito_guard.revocation.answers import Answers
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import guard_for
from tests.tokens.test_fork import wait_for_exit


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("is_empty", [True, False])
def test_a_fork_while_answers_are_locked_blocks_no_request_of_the_child(
    pool: FakeUserPool, is_empty: bool
) -> None:
    principal = asyncio.run(guard_for(pool).verify(pool.access_token()))
    answers = Answers(8, keep_valid=60, keep_revoked=60)
    if not is_empty:
        answers.keep(principal, revoked=True)
    with answers._lock:  # as if held by a thread, which the child does not have
        child = os.fork()
        if child == 0:
            try:
                if is_empty:
                    answers.keep(principal, revoked=False)
                found = answers.find(principal)
                os._exit(0 if found is (False if is_empty else None) else 1)
            except BaseException:
                os._exit(2)
    assert wait_for_exit(child) == 0
