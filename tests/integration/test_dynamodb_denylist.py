"""The DynamoDB backend of the denylist, against MiniStack's DynamoDB."""

import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import anyio
import boto3
import pytest
from botocore.config import Config

from fastapi_cognito_guard.errors import ConfigurationError, RevocationUnavailable
from fastapi_cognito_guard.revocation import Denylist, DynamoDBBackend, Revocation, open_backend
from fastapi_cognito_guard.revocation.backends import CALLS_AT_ONCE
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import guard_for
from tests.cli.running import cognito_guard
from tests.integration.ministack import REGION, make_client
from tests.revocation import contract
from tests.servers import fault_server, hang

TABLE = "revoked-tokens"

pytestmark = pytest.mark.anyio
needs_ministack = pytest.mark.ministack


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def dynamodb(ministack_address: str) -> Iterator[Any]:
    """Client of a DynamoDB with a table as the docs create it."""
    client = make_client(ministack_address, "dynamodb")
    client.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.update_time_to_live(
        TableName=TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
    )
    yield client
    client.close()


@pytest.fixture
def aws_environment(ministack_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point boto3 to the emulator by the variables that it reads anywhere."""
    for name, value in (
        ("AWS_ENDPOINT_URL", ministack_address),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ):
        monkeypatch.setenv(name, value)


@needs_ministack
async def test_the_dynamodb_backend_keeps_the_contract(dynamodb: Any, pool: FakeUserPool) -> None:
    backend = DynamoDBBackend(TABLE, client=dynamodb)
    await contract.check_entries(backend)
    await contract.check_later_time_wins(backend)
    await contract.check_as_denylist(backend, pool)


@needs_ministack
async def test_an_entry_ends_at_its_time_to_live_and_a_second_one_does_not_shorten_it(dynamodb: Any) -> None:
    backend, key = DynamoDBBackend(TABLE, client=dynamodb), contract.make_key()
    for seconds, left in ((600, 600), (10, 600), (900, 900)):
        await backend.add(key, 1_000, seconds)
        item = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": key}}, ConsistentRead=True)["Item"]
        assert left - 30 <= int(item["expires_at"]["N"]) - time.time() <= left


@needs_ministack
async def test_an_entry_that_cannot_be_read_refuses_and_is_no_answer(
    dynamodb: Any, pool: FakeUserPool
) -> None:
    user = f"user-{uuid4()}"
    dynamodb.put_item(TableName=TABLE, Item={"id": {"S": f"sub:{pool.sub(user)}"}})
    guard = guard_for(pool, revoked=Denylist(DynamoDBBackend(TABLE, client=dynamodb)))
    with pytest.raises(RevocationUnavailable, match="KeyError"):
        await guard.verify(pool.access_token(user))


@needs_ministack
async def test_a_table_that_does_not_exist_refuses_the_token(dynamodb: Any, pool: FakeUserPool) -> None:
    guard = guard_for(pool, revoked=Denylist(DynamoDBBackend("no-such-table", client=dynamodb)))
    with pytest.raises(RevocationUnavailable, match="ResourceNotFoundException"):
        await guard.verify(pool.access_token())


@needs_ministack
@pytest.mark.usefixtures("aws_environment", "dynamodb")
def test_the_command_writes_what_the_guard_reads(pool: FakeUserPool) -> None:
    url, user = f"dynamodb://{REGION}/{TABLE}", f"user-{uuid4()}"
    result = cognito_guard("revoke", "--sub", pool.sub(user), "--backend", url)
    assert (result.code, "Revoked: " in result.out) == (0, True)
    guard = guard_for(pool, revoked=Denylist(open_backend(url)))
    with pytest.raises(Exception, match="revoked before its expiry"):
        anyio.run(guard.verify, pool.access_token(user))
    assert anyio.run(guard.verify, pool.access_token("ada")).username == "ada"


async def test_keys_that_dynamodb_has_not_looked_up_are_no_answer(pool: FakeUserPool) -> None:
    class Throttled:
        def batch_get_item(self, **request: Any) -> Any:
            return {"Responses": {TABLE: []}, "UnprocessedKeys": request["RequestItems"]}

    guard = guard_for(pool, revoked=Denylist(DynamoDBBackend(TABLE, client=Throttled())))
    with pytest.raises(RevocationUnavailable, match="timeout"):
        await guard.verify(pool.access_token())


async def test_a_dynamodb_that_hangs_holds_up_neither_requests_nor_more_threads_than_its_own(
    pool: FakeUserPool,
) -> None:
    with fault_server(hang) as server:
        client = boto3.client(
            "dynamodb",
            endpoint_url=server.address,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                read_timeout=1, retries={"total_max_attempts": 1}, max_pool_connections=CALLS_AT_ONCE
            ),
        )
        backend = DynamoDBBackend(TABLE, client=client)
        guard = guard_for(pool, revoked=Revocation(Denylist(backend), deadline=0.2))
        refused: list[float] = []

        async def call() -> None:
            with pytest.raises(RevocationUnavailable):
                await guard.verify(pool.access_token())
            refused.append(time.monotonic())

        start, before = time.monotonic(), set(threading.enumerate())
        async with anyio.create_task_group() as group:
            for _ in range(3 * CALLS_AT_ONCE):
                group.start_soon(call)
        started = set(threading.enumerate()) - before
        assert len(refused) == 3 * CALLS_AT_ONCE
        assert max(refused) - start < 20
        assert 0 < sum(thread.name.startswith("cognito-revocation") for thread in started) <= CALLS_AT_ONCE
        client.close()


def test_without_a_region_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(ConfigurationError, match="region="):
        open_backend(f"dynamodb:///{TABLE}")


@pytest.mark.parametrize("table", ["", 5, None])
def test_a_table_without_a_name_is_a_wrong_setting(table: Any) -> None:
    with pytest.raises(ConfigurationError, match="table"):
        DynamoDBBackend(table)
