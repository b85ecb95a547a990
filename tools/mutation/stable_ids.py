"""A pytest plugin that leaves out tests whose id contains a backslash.

mutmut runs pytest several times in one process. Each time, pytest escapes such an id once more, so that
mutmut does not find the test again.
"""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if "\\" not in item.nodeid]
