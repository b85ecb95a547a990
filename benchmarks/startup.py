"""Import time of the package, relative to FastAPI and Mangum, in fresh processes."""

import json
import os
import subprocess
import sys
from tempfile import TemporaryDirectory

from benchmarks.bursts import compute_ratio
from benchmarks.report import Figure

_TIMED = """
import time
start = time.perf_counter()
import fastapi, mangum
before = time.perf_counter()
import fastapi_cognito_guard
after = time.perf_counter()
print([after - start, before - start])
"""


def measure(*, processes: int) -> list[Figure]:
    """Measure imports with and without the package, excluding Python's own start."""
    with TemporaryDirectory() as bytecode:
        _time_imports(bytecode)
        pairs = [_time_imports(bytecode) for _ in range(processes)]
    return [Figure("importing FastAPI, Mangum and this / the first two", compute_ratio(pairs), most=1.03)]


def _time_imports(bytecode: str) -> tuple[float, float]:
    """Return the seconds of both imports in a process. All processes share bytecode in ``bytecode``."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ["PYTHONPYCACHEPREFIX"] = bytecode
    command = [sys.executable, "-c", _TIMED]
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, check=True, timeout=60)  # noqa: S603 - our own text
    whole, base = json.loads(done.stdout)
    return whole, base
