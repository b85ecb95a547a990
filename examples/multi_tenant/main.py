"""Notes of tenants that come and go. Each has a user pool of its own, and its users reach its own notes only.

TENANTS_DATABASE is the SQLite file with the list of tenants. Whoever can write to it decides who signs in.
"""

import os
import sqlite3
from contextlib import closing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.concurrency import run_in_threadpool

from fastapi_cognito_guard import CognitoGuard, Principal, UserPool, require, require_group

DATABASE = os.environ.get("TENANTS_DATABASE", "tenants.db")
TABLES = """
CREATE TABLE IF NOT EXISTS tenants (name TEXT PRIMARY KEY, pool_id TEXT UNIQUE NOT NULL, client_id TEXT);
CREATE TABLE IF NOT EXISTS notes (tenant TEXT NOT NULL, text TEXT NOT NULL);
"""


def query(statement: str, *values: str) -> list[tuple[Any, ...]]:
    """Run a statement, and return its rows."""
    with closing(sqlite3.connect(DATABASE)) as database, database:
        return database.execute(statement, values).fetchall()


def create_tables() -> None:
    """Run once, as a migration."""
    with closing(sqlite3.connect(DATABASE)) as database, database:
        database.executescript(TABLES)


def add_tenant(name: str, pool_id: str, client_id: str) -> None:
    """Add a tenant. Its users may sign in at once, or after ``keep_missing`` if they have tried before."""
    query("INSERT INTO tenants VALUES (?, ?, ?)", name, pool_id, client_id)


def remove_tenant(name: str) -> None:
    """Remove a tenant. Its users are refused after ``keep``, a minute by default."""
    query("DELETE FROM tenants WHERE name = ?", name)


def find_pool(issuer: str) -> UserPool | None:
    """Return the pool of a tenant. The issuer is not verified: it only names a row of the app's own list."""
    pool_id = issuer.rpartition("/")[2]
    rows = query("SELECT client_id FROM tenants WHERE pool_id = ?", pool_id)
    return UserPool(pool_id, client_ids={rows[0][0]}) if rows else None


app = FastAPI(title="Notes")
CognitoGuard(pools=find_pool).install(app)


def find_pool_id(tenant: str) -> str | None:
    """Return the id of a tenant's pool, or None."""
    rows = query("SELECT pool_id FROM tenants WHERE name = ?", tenant)
    return str(rows[0][0]) if rows else None


async def is_member(user: Principal, pool_id: Annotated[str | None, Depends(find_pool_id)]) -> bool:
    """Return True if the tenant's pool has signed the caller in."""
    return user.pool_id == pool_id


member = require(is_member, name="member of the tenant")
router = APIRouter(prefix="/tenants/{tenant}/notes", dependencies=[Depends(member)])


@router.get("")
async def list_notes(tenant: str) -> list[str]:
    """List the notes of the tenant."""
    rows = await run_in_threadpool(query, "SELECT text FROM notes WHERE tenant = ?", tenant)
    return [text for (text,) in rows]


@router.post("/{text}", status_code=201)
async def add_note(tenant: str, text: str) -> None:
    """Write a note of the tenant, whose name is the one that was checked."""
    await run_in_threadpool(query, "INSERT INTO notes VALUES (?, ?)", tenant, text)


@router.delete("", status_code=204, dependencies=[Depends(require_group("admins"))])
async def delete_notes(tenant: str) -> None:
    """Delete all notes of the tenant: for its own admins, since the router lets in no others."""
    await run_in_threadpool(query, "DELETE FROM notes WHERE tenant = ?", tenant)


app.include_router(router)
