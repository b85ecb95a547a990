"""Run openid-client.mjs, whose path is the argument, against a local pool."""

import os
import subprocess
import sys

from fastapi_cognito_guard.testing import local_pool
from tests.foreign.pools import DIRECTORY, REDIRECT_URI


def main(script: str) -> int:
    """Return the exit code of node."""
    with local_pool(DIRECTORY) as local:
        own = {
            "ISSUER": local.pool.issuer,
            "REDIRECT_URI": REDIRECT_URI,
            "RESOURCE": "https://api.example.com",
        }
        return subprocess.run(["node", script], env={**os.environ, **own}, timeout=60).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
