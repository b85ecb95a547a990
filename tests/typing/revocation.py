"""Each use of the revocation API with its inferred type, and uses that a type checker must refuse."""

from typing import Any, assert_type

from fastapi_cognito_guard import CognitoGuard, Principal, UserPool
from fastapi_cognito_guard.revocation import (
    Backend,
    Denylist,
    DynamoDBBackend,
    MemoryBackend,
    RedisBackend,
    Revocation,
    open_backend,
)

pool = UserPool("eu-west-1_Abc123Xyz", client_ids={"4b1example"})


async def is_revoked(user: Principal) -> bool:
    return user.is_machine


def is_revoked_sync(user: Principal) -> bool:
    return user.is_machine


def configure(client: Any) -> None:
    for backend in (MemoryBackend(), DynamoDBBackend("t", client=client), RedisBackend("redis://h")):
        CognitoGuard(pool, revoked=Denylist(backend, lifetime=3600))
    CognitoGuard(pool, revoked=is_revoked)
    CognitoGuard(pool, revoked=Revocation(is_revoked, on_error="accept", deadline=1))
    CognitoGuard(pool, revoked=is_revoked_sync)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Revocation(is_revoked, on_error="ignore")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(open_backend("redis://h"), Backend)


async def use(guard: CognitoGuard, denylist: Denylist, user: Principal) -> None:
    assert_type(await denylist.revoke(sub=user.sub, not_before=5), int)
    assert_type(await denylist(user), bool)
    assert_type(await guard.identify_event({}), Principal | None)
    await denylist.revoke(username="ada")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
