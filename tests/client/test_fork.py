"""A process that forks while a token is on its way: its child has neither the thread nor the lock of it."""

import os
import threading

import httpx
import pytest

from fastapi_cognito_guard.client import CognitoAuth


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_asks_for_a_token_of_its_own() -> None:
    asked, go = threading.Event(), threading.Event()
    parent = os.getpid()

    def provider() -> str:
        if os.getpid() == parent:
            asked.set()
            go.wait(timeout=10)
        return "opaque"

    auth = CognitoAuth(provider, timeout=5)
    first = threading.Thread(target=status_of_a_call, args=(auth,))
    first.start()
    assert asked.wait(timeout=10)
    auth._flight.lock.acquire()  # held by a thread that the child will not have
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if status_of_a_call(auth) == 200 else 1)
        except BaseException:
            os._exit(2)
    auth._flight.lock.release()
    go.set()
    first.join(timeout=10)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def status_of_a_call(auth: CognitoAuth) -> int:
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with httpx.Client(auth=auth, transport=transport) as client:
        return client.get("https://api.example.com").status_code
