"""App that the commands load, in a directory of its own."""

import json
import sys
from pathlib import Path

import pytest

from fastapi_cognito_guard.testing import FakeUserPool

APP = """
from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from fastapi_cognito_guard import *

print("not an answer")
pool = UserPool("eu-west-1_Abc123Xyz", client_ids="4b1example", jwks={"keys": [%s]})


def create_app(**settings):
    app = FastAPI()
    CognitoGuard(pool, **settings).install(app)

    @app.get("/me")
    async def me(user: CurrentUser): ...

    @app.post("/orders", dependencies=[Depends(require_scope("orders/write", "orders/admin"))])
    async def create(): ...

    gold = Depends(require_claim("tier", 1))

    @app.delete("/orders/{id}", dependencies=[Depends(require_group("admins")), gold])
    async def delete(id: str): ...

    @app.get("/maybe")
    async def maybe(user: OptionalUser): ...

    @app.get("/reports")
    async def reports(caller: IamCaller): ...

    return app


app = create_app()
closed = create_app(deny_by_default=True)
opened = create_app()
bare = FastAPI()
empty = FastAPI()
CognitoGuard(pool).install(empty)
number = 7


@opened.websocket("/open")
@opened.get("/open")
@closed.get("/open")
async def open_(): ...


opened.mount("/static", StaticFiles(directory="."))
closed.mount("/static", StaticFiles(directory="."))


def factory(x): ...


def unset():
    return CognitoGuard.from_env({})


def broken():
    raise SystemExit("settings are missing\\nand more")
"""


@pytest.fixture(scope="session")
def shop_pool() -> FakeUserPool:
    """The pool of the app, whose tokens expire by the real clock."""
    return FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")


@pytest.fixture
def shop(shop_pool: FakeUserPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory with the app in ``shop.py``, which is not imported yet."""
    (tmp_path / "shop.py").write_text(APP % json.dumps(shop_pool.jwks["keys"][1]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    return tmp_path
