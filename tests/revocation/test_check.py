"""Asking a check: its answers, its failures, its deadline, and what is remembered."""

import asyncio
import logging
import subprocess
import sys
import threading
import time
from functools import partial
from typing import Any

import anyio
import pytest

from fastapi_cognito_guard import CognitoGuard, Principal
from fastapi_cognito_guard.errors import (
    ConfigurationError,
    InsufficientScope,
    RevocationUnavailable,
    TokenRevoked,
)
from fastapi_cognito_guard.revocation import Revocation
from fastapi_cognito_guard.revocation.answers import Answers
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import bearer, build_app, client_of, guard_for

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Check:
    """Check with an answer that can be changed, and the number of times that it was asked."""

    def __init__(self, answer: Any = False) -> None:
        self.answer = answer
        self.asked = 0

    async def __call__(self, principal: Principal) -> bool:
        self.asked += 1
        if isinstance(self.answer, BaseException):
            raise self.answer
        answer: bool = self.answer
        return answer


async def hang(principal: Principal) -> bool:
    await anyio.sleep(30)
    return False


async def test_a_revoked_token_is_refused_and_another_is_not(pool: FakeUserPool) -> None:
    async def is_revoked(principal: Principal) -> bool:
        return principal.username == "eve"

    guard = guard_for(pool, revoked=is_revoked)
    assert (await guard.verify(pool.access_token("ada"))).username == "ada"
    with pytest.raises(TokenRevoked) as caught:
        await guard.verify(pool.access_token("eve"))
    assert caught.value.about["sub"] == pool.sub("eve")


async def test_a_remembered_token_is_asked_about_again(pool: FakeUserPool) -> None:
    check = Check()
    guard, token = guard_for(pool, revoked=check), pool.access_token()
    await guard.verify(token)
    assert guard.status()["remembered"] == 1
    check.answer = True
    with pytest.raises(TokenRevoked):
        await guard.verify(token)
    assert check.asked == 2


@pytest.mark.parametrize("answer", [None, 0, 1, "", "no", [], object()])
@pytest.mark.parametrize("on_error", ["refuse", "accept"])
async def test_an_answer_that_is_neither_true_nor_false_never_accepts_a_token(
    pool: FakeUserPool, answer: object, on_error: Any
) -> None:
    guard = guard_for(pool, revoked=Revocation(Check(answer), on_error=on_error))
    with pytest.raises(RevocationUnavailable, match="return True or False"):
        await guard.verify(pool.access_token())


FAILURES = [
    OSError("redis://:secret@host"),
    TimeoutError(),
    KeyError("x"),
    SystemExit(1),
    ExceptionGroup("", [OSError()]),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_a_check_that_fails_refuses_the_token_and_its_text_is_not_repeated(
    pool: FakeUserPool, failure: BaseException
) -> None:
    with pytest.raises(RevocationUnavailable) as caught:
        await guard_for(pool, revoked=Check(failure)).verify(pool.access_token())
    assert type(failure).__name__ in caught.value.reason
    assert "secret" not in caught.value.reason
    assert caught.value.__cause__ is None


async def test_a_check_that_hangs_refuses_the_token_at_its_deadline(pool: FakeUserPool) -> None:
    guard = guard_for(pool, revoked=Revocation(hang, deadline=0.05))
    start = time.monotonic()
    with pytest.raises(RevocationUnavailable, match="timeout"):
        await guard.verify(pool.access_token())
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("check", [hang, Check(OSError("no"))], ids=["hang", "fail"])
async def test_with_accept_a_failure_accepts_the_token_and_logs_a_warning(
    pool: FakeUserPool, check: Any, caplog: pytest.LogCaptureFixture
) -> None:
    guard = guard_for(pool, revoked=Revocation(check, on_error="accept", deadline=0.05))
    assert (await guard.verify(pool.access_token("ada"))).username == "ada"
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "accepted unasked" in record.getMessage()


async def test_a_failure_is_not_remembered(pool: FakeUserPool) -> None:
    check = Check(OSError())
    guard = guard_for(pool, revoked=Revocation(check, on_error="accept", keep_valid=60))
    token = pool.access_token()
    await guard.verify(token)
    check.answer = True
    with pytest.raises(TokenRevoked):
        await guard.verify(token)


async def test_an_auth_error_of_the_check_is_the_refusal_also_with_accept(pool: FakeUserPool) -> None:
    guard = guard_for(pool, revoked=Revocation(Check(InsufficientScope("no")), on_error="accept"))
    with pytest.raises(InsufficientScope):
        await guard.verify(pool.access_token())


async def test_a_cancelled_request_is_not_taken_for_a_failure_of_the_check(pool: FakeUserPool) -> None:
    guard = guard_for(pool, revoked=Revocation(hang, on_error="accept", deadline=30))
    reached = False
    with anyio.move_on_after(0.05) as scope:
        await guard.verify(pool.access_token())
        reached = True
    assert scope.cancelled_caught
    assert not reached


async def test_a_valid_answer_counts_only_if_that_is_asked_for(pool: FakeUserPool) -> None:
    for keep_valid, asked in ((0, 3), (60, 1)):
        check = Check()
        guard, token = guard_for(pool, revoked=Revocation(check, keep_valid=keep_valid)), pool.access_token()
        for _ in range(3):
            await guard.verify(token)
        assert check.asked == asked


async def test_a_revoked_answer_counts_without_asking_again(pool: FakeUserPool) -> None:
    for keep_revoked, asked in ((60, 1), (0, 3)):
        check = Check(True)
        guard = guard_for(pool, revoked=Revocation(check, keep_revoked=keep_revoked))
        token = pool.access_token()
        for _ in range(3):
            with pytest.raises(TokenRevoked):
                await guard.verify(token)
        assert check.asked == asked


async def test_an_answer_ends_after_its_time(pool: FakeUserPool) -> None:
    check = Check()
    guard, token = guard_for(pool, revoked=Revocation(check, keep_valid=0.05)), pool.access_token()
    await guard.verify(token)
    await anyio.sleep(0.06)
    await guard.verify(token)
    assert check.asked == 2


async def test_an_answer_is_for_one_token_only(pool: FakeUserPool, other_pool: FakeUserPool) -> None:
    check = Check()
    guard = CognitoGuard(
        pool.user_pool(),
        other_pool.user_pool(),
        now=pool.now,
        revoked=Revocation(check, keep_valid=60),
    )
    same = {"jti": "one", "sub": "ada"}
    tokens = [
        pool.access_token(claims=same),
        pool.access_token(claims={**same, "jti": "two"}),
        pool.access_token(claims={**same, "sub": "bob"}),
        other_pool.access_token(claims=same),
    ]
    for token in tokens:
        await guard.verify(token)
    assert check.asked == len(tokens)


async def test_a_token_without_jti_is_asked_about_each_time(pool: FakeUserPool) -> None:
    check = Check()
    guard = guard_for(pool, revoked=Revocation(check, keep_valid=60))
    for _ in range(2):
        await guard.verify(pool.access_token(claims={"jti": None}))
    assert check.asked == 2


async def test_a_flood_of_tokens_does_not_fill_the_memory_with_answers(pool: FakeUserPool) -> None:
    answers = Answers(8, keep_valid=60, keep_revoked=60)
    guard = guard_for(pool)
    for number in range(40):
        principal = await guard.verify(pool.access_token(claims={"jti": f"token-{number}"}))
        answers.keep(principal, revoked=False)
        assert answers.find(principal) is False
    assert len(answers) == 8


async def test_no_answers_are_kept_with_remember_0(pool: FakeUserPool) -> None:
    check = Check(True)
    guard, token = guard_for(pool, revoked=Revocation(check, remember=0)), pool.access_token()
    for _ in range(2):
        with pytest.raises(TokenRevoked):
            await guard.verify(token)
    assert check.asked == 2


async def test_a_flood_against_a_hanging_check_ends_at_the_deadline(pool: FakeUserPool) -> None:
    guard = guard_for(pool, revoked=Revocation(hang, deadline=0.2))
    token, refused = pool.access_token(), []

    async def call() -> None:
        with pytest.raises(RevocationUnavailable):
            await guard.verify(token)
        refused.append(True)

    start, threads = time.monotonic(), threading.active_count()
    async with anyio.create_task_group() as group:
        for _ in range(200):
            group.start_soon(call)
    assert len(refused) == 200
    assert time.monotonic() - start < 15
    assert threading.active_count() <= threads


def is_revoked_sync(principal: Principal) -> bool:
    return False


@pytest.mark.parametrize(
    "check", [is_revoked_sync, lambda user: asyncio.sleep(0, False), 5, "x", Check], ids=repr
)
async def test_a_check_that_is_not_async_is_a_wrong_setting(pool: FakeUserPool, check: Any) -> None:
    with pytest.raises(ConfigurationError, match="async def"):
        guard_for(pool, revoked=check)


async def test_a_partial_of_an_async_function_is_a_check(pool: FakeUserPool) -> None:
    async def is_revoked(name: str, principal: Principal) -> bool:
        return principal.username == name

    guard = guard_for(pool, revoked=partial(is_revoked, "ada"))
    with pytest.raises(TokenRevoked):
        await guard.verify(pool.access_token("ada"))


WRONG: list[dict[str, Any]] = [
    {"on_error": "ignore"},
    {"on_error": True},
    *({"deadline": value} for value in (0, -1, 61, True, "1", None, float("nan"), float("inf"))),
    *({"keep_valid": value} for value in (-1, 3601, True, "1", float("nan"))),
    *({"keep_revoked": value} for value in (-1, 3601, None)),
    *({"remember": value} for value in (-1, 1.5, True)),
]


@pytest.mark.parametrize("settings", WRONG, ids=str)
async def test_a_setting_that_cannot_be_right_is_named(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Revocation(Check(), **settings)
    assert caught.value.setting in settings


async def test_a_token_revoked_in_one_thread_is_refused_in_another(pool: FakeUserPool) -> None:
    """Answers are shared by event loops: of Mangum, of test clients, of sync code."""
    check = Check(True)
    client = client_of(build_app(guard_for(pool, revoked=check)))
    token = pool.access_token()

    def call() -> list[int]:
        return [client.get("/me", headers=bearer(token)).status_code for _ in range(2)]

    assert await anyio.to_thread.run_sync(call) == [401, 401]
    assert await anyio.to_thread.run_sync(call) == [401, 401]
    assert check.asked == 1


def test_a_guard_with_a_check_loads_no_client_of_a_store() -> None:
    code = """
import sys
from fastapi_cognito_guard import CognitoGuard, UserPool
from fastapi_cognito_guard.revocation import Denylist, MemoryBackend
CognitoGuard(UserPool("eu-west-1_A", client_ids="w"), revoked=Denylist(MemoryBackend()))
print(sorted({"boto3", "botocore", "redis", "cachetools", "httpx"} & sys.modules.keys()))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "[]", "")
