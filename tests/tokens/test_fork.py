"""Fork of a process that has a cache of verified tokens."""

import asyncio
import os
import time

import pytest

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import guard_for


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("is_empty", [True, False])
def test_a_fork_while_the_cache_is_locked_blocks_no_request_of_the_child(
    pool: FakeUserPool, is_empty: bool
) -> None:
    guard, token = guard_for(pool), pool.access_token()
    if not is_empty:
        verify(guard, token)
    with guard.verifier.cache._lock:  # as if held by a thread, which the child does not have
        child = os.fork()
        if child == 0:
            try:
                verify(guard, token)  # not in the child's cache, and kept there
                verify(guard, token)
                os._exit(0 if guard.status()["remembered"] == 1 else 1)
            except BaseException:
                os._exit(2)
    assert wait_for_exit(child) == 0


def verify(guard: CognitoGuard, token: str) -> None:
    asyncio.run(asyncio.wait_for(guard.verify(token), 10))


def wait_for_exit(child: int) -> int:
    """Return the exit code of a child, or -1 for one that does not end."""
    for _ in range(1000):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return -1
