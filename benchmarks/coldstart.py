"""Whole processes from their start to the first verified 200, relative to a recipe with PyJWT."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

from benchmarks.bursts import Ratio, compute_ratio
from benchmarks.report import Figure
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.testing.key_server import PublishedDocument, serve_document

_ROUND_TRIPS = 0.06  # seconds: about three of 20 ms, for TCP, TLS and the request

_APP = """
import sys, json
from time import perf_counter
pool_id, client_id, address = sys.argv[1:4]
from fastapi import Depends, FastAPI, HTTPException, Request
from mangum import Mangum

app = FastAPI(openapi_url=None)
"""
_CALL = """
event = json.load(sys.stdin)
begin = perf_counter()
status = handler(event, None)["statusCode"]
assert status == 200, status
print(perf_counter() - begin)
"""
_OURS = """
from fastapi_cognito_guard import CognitoGuard, CurrentUser, UserPool, lambda_handler

CognitoGuard(UserPool(pool_id, client_ids={client_id}, jwks_uri=address)).install(app)


@app.get("/me")
async def read_me(user: CurrentUser) -> str:
    return user.sub


handler = lambda_handler(app%s)
"""
_PYJWT = """
import jwt

client = jwt.PyJWKClient(address)
issuer = f"https://cognito-idp.eu-west-1.amazonaws.com/{pool_id}"


def read_claims(request: Request) -> dict:
    try:
        token = request.headers["authorization"].removeprefix("Bearer ")
        key = client.get_signing_key_from_jwt(token)
        claims = jwt.decode(token, key.key, algorithms=["RS256"], issuer=issuer)
    except (KeyError, jwt.PyJWTError):
        raise HTTPException(401)
    if claims.get("client_id") != client_id or claims.get("token_use") != "access":
        raise HTTPException(401)
    return claims


@app.get("/me")
async def read_me(claims: dict = Depends(read_claims)) -> str:
    return claims["sub"]


handler = Mangum(app, lifespan="off")
"""
_PROGRAMS = {
    "ours": _APP + _OURS % "" + _CALL,
    "ours, warm": _APP + _OURS % ', warm_up=True, environ={"AWS_LAMBDA_FUNCTION_NAME": "x"}' + _CALL,
    "pyjwt": _APP + _PYJWT + _CALL,
}


def measure(*, processes: int) -> list[Figure]:
    """Measure a function URL's first request with a token; the keys are fetched from loopback."""
    if find_spec("jwt") is None:
        return []
    pool = FakeUserPool()
    with pool.serve() as address, _serve_slowly(pool) as distant, TemporaryDirectory() as bytecode:
        _run_rounds(1, pool, address, bytecode)  # writes the bytecode
        near, far = (_run_rounds(processes, pool, each, bytecode) for each in (address, distant))
    title = "process to the first verified 200 / a PyJWT recipe"
    return [
        Figure(f"{title}, keys from loopback", _compare(near, "ours", 0), most=1.05),
        Figure(f"{title}, keys after 60 ms", _compare(far, "ours", 0), most=1.05),
        Figure(f"{title}, keys fetched during init", _compare(near, "ours, warm", 0)),
        Figure("the first request alone / a PyJWT recipe", _compare(near, "ours", 1)),
        Figure(
            "the first request alone / a PyJWT recipe, keys fetched during init",
            _compare(near, "ours, warm", 1),
            most=0.9,
        ),
    ]


def _serve_slowly(pool: FakeUserPool) -> AbstractContextManager[str]:
    """Publish the keys with the delay of a network, and yield their address."""

    def wait() -> dict[str, Any]:
        sleep(_ROUND_TRIPS)
        return pool.jwks

    return serve_document("/jwks.json", PublishedDocument(wait))


def _run_rounds(
    rounds: int, pool: FakeUserPool, address: str, bytecode: str
) -> dict[str, list[tuple[float, float]]]:
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in _PROGRAMS}
    for _ in range(rounds):
        for name, program in _PROGRAMS.items():
            took[name].append(_run(program, pool, address, bytecode))
    return took


def _compare(took: Mapping[str, list[tuple[float, float]]], name: str, part: int) -> Ratio:
    pairs = zip(took[name], took["pyjwt"], strict=True)
    return compute_ratio([(ours[part], theirs[part]) for ours, theirs in pairs])


def _run(program: str, pool: FakeUserPool, address: str, bytecode: str) -> tuple[float, float]:
    """Return the seconds of a whole process, and of its request."""
    event = pool.event("function-url", pool.access_token("ada"), vouched=False, path="/me")
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ["PYTHONPYCACHEPREFIX"] = bytecode
    command = [sys.executable, "-c", program, pool.id, pool.client_id, address]
    begin = perf_counter()
    done = subprocess.run(  # noqa: S603 - our own text
        command, input=json.dumps(event).encode(), env=environ, stdout=subprocess.PIPE, check=True, timeout=60
    )
    return perf_counter() - begin, float(done.stdout)
