"""What importing the package adds to FastAPI and Mangum, in fresh processes."""

import json
import os
import subprocess
import sys
from tempfile import TemporaryDirectory

from benchmarks.report import Figure
from benchmarks.timing import ratio_of

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
    """With the package, over without: both from one process, without Python's own start."""
    with TemporaryDirectory() as bytecode:
        _import(bytecode)
        pairs = [_import(bytecode) for _ in range(processes)]
    return [Figure("importing FastAPI, Mangum and this / the first two", ratio_of(pairs), most=1.03)]


def _import(bytecode: str) -> tuple[float, float]:
    """In a process that keeps its bytecode in a place of its own: the first one writes it, for all alike."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ["PYTHONPYCACHEPREFIX"] = bytecode
    command = [sys.executable, "-c", _TIMED]
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, check=True, timeout=60)  # noqa: S603 - our own text
    whole, base = json.loads(done.stdout)
    return whole, base
