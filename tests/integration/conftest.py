"""One MiniStack for the whole run; skipped with the reason where there is none, but never in CI."""

import os
from collections.abc import Iterator

import pytest

from tests.integration import ministack
from tests.integration.ministack import EmulatedPool, make_pool, running


@pytest.fixture(scope="session")
def ministack_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command = ministack.program()
    if command is None:
        reason = "MiniStack is not here: scripts/test installs it and sets MINISTACK"
        if os.environ.get("REQUIRE_MINISTACK"):
            pytest.fail(reason)
        pytest.skip(reason)
    with running(command, tmp_path_factory.mktemp("ministack")) as address:
        yield address


@pytest.fixture(scope="session")
def emulated_pool(ministack_address: str) -> EmulatedPool:
    return make_pool(ministack_address, "shop")


@pytest.fixture(scope="session")
def other_emulated_pool(ministack_address: str) -> EmulatedPool:
    return make_pool(ministack_address, "somebody else's")
