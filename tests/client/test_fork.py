"""Fork during a token request: the child has neither the thread of the request nor a usable lock."""

import os
import threading

import httpx
import pytest

from fastapi_cognito_guard.client import CognitoAuth
from fastapi_cognito_guard.errors import TokenRequestFailed
from tests.client.conftest import StuckProvider


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_requests_a_token_of_its_own() -> None:
    requested, go = threading.Event(), threading.Event()
    parent = os.getpid()

    def provider() -> str:
        if os.getpid() == parent:
            requested.set()
            go.wait(timeout=10)
        return "opaque"

    auth = CognitoAuth(provider, timeout=5)
    first = threading.Thread(target=get_status, args=(auth,))
    first.start()
    assert requested.wait(timeout=10)
    auth._keeper.flight.lock.acquire()  # as if held by a thread, which the child does not have
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if get_status(auth) == 200 else 1)
        except BaseException:
            os._exit(2)
    auth._keeper.flight.lock.release()
    go.set()
    first.join(timeout=10)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.usefixtures("no_grace")
def test_threads_that_are_stuck_in_the_parent_do_not_count_in_a_child() -> None:
    provider = StuckProvider(4)
    auth = CognitoAuth(provider, timeout=0.6)
    for _ in range(4):
        with pytest.raises(TokenRequestFailed, match="No token within"):
            get_status(auth)
    with pytest.raises(TokenRequestFailed, match="4 requests"):
        get_status(auth)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if get_status(auth) == 200 else 1)
        except BaseException:
            os._exit(2)
    provider.go.set()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def get_status(auth: CognitoAuth) -> int:
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with httpx.Client(auth=auth, transport=transport) as client:
        return client.get("https://api.example.com").status_code
