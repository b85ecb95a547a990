"""Revoked tokens in a DynamoDB table."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.extras import format_install
from fastapi_cognito_guard.revocation.backends import CALLS_AT_ONCE, TIMEOUT
from fastapi_cognito_guard.tokens.clock import read_time
from fastapi_cognito_guard.worker_threads import WorkerThreads

_ATTRIBUTES = (("expires_at", "not_before"), ("not_before", "expires_at"))


class DynamoDBBackend:
    """Entries in a DynamoDB table, whose partition key is ``id`` (text), and TTL attribute ``expires_at``.

    ``table``   the table's name
    ``region``  by default that of the environment
    ``client``  a boto3 client of your own. The one that is made by default waits a second for an answer,
                and asks at most twice

    Needs the extra ``dynamodb``, and the permissions ``dynamodb:BatchGetItem``
    and, to revoke, ``dynamodb:UpdateItem``. Raises `ConfigurationError` without a region.
    """

    def __init__(self, table: str, *, region: str | None = None, client: Any = None) -> None:
        if not isinstance(table, str) or not table:
            raise ConfigurationError("table is the name of a DynamoDB table.", setting="table")
        self._table = table
        self._client = _make_client(region) if client is None else client
        self._threads = WorkerThreads("cognito-revocation", CALLS_AT_ONCE)

    async def add(self, key: str, not_before: int, seconds: int) -> None:
        """Keep an entry for at least ``seconds``."""
        values = {"not_before": not_before, "expires_at": int(read_time()) + seconds}
        await self._threads.run(partial(self._write, key, values))

    async def find(self, keys: Iterable[str]) -> Mapping[str, int]:
        """Return the entries that exist, as of the last write."""
        return await self._threads.run(partial(self._read, list(keys)))

    def _write(self, key: str, values: Mapping[str, int]) -> None:
        # The later of two times has to win, and an update has one condition: one update for each time. The
        # end is first, as the table might drop an entry in between.
        for name, other in _ATTRIBUTES:
            with suppress(self._client.exceptions.ConditionalCheckFailedException):  # the entry's is later
                self._client.update_item(
                    TableName=self._table,
                    Key={"id": {"S": key}},
                    UpdateExpression="SET #name = :value, #other = if_not_exists(#other, :other)",
                    ConditionExpression="attribute_not_exists(#name) OR #name < :value",
                    ExpressionAttributeNames={"#name": name, "#other": other},
                    ExpressionAttributeValues={
                        ":value": {"N": str(values[name])},
                        ":other": {"N": str(values[other])},
                    },
                )

    def _read(self, keys: list[str]) -> Mapping[str, int]:
        asked = {"Keys": [{"id": {"S": key}} for key in keys], "ConsistentRead": True}
        answer = self._client.batch_get_item(RequestItems={self._table: asked})
        if answer.get("UnprocessedKeys"):
            raise TimeoutError("DynamoDB has not looked up all keys.")
        items = answer["Responses"].get(self._table, [])
        return {item["id"]["S"]: int(item["not_before"]["N"]) for item in items}


def _make_client(region: str | None) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise ConfigurationError(f"Install the extra: {format_install('dynamodb')}.") from None
    config = Config(
        connect_timeout=TIMEOUT,
        read_timeout=TIMEOUT,
        retries={"total_max_attempts": 2, "mode": "standard"},
        max_pool_connections=CALLS_AT_ONCE,
    )
    try:
        return boto3.client("dynamodb", region_name=region, config=config)
    except BotoCoreError as error:
        raise ConfigurationError(
            f"No client for DynamoDB ({type(error).__name__}): give region=, or set AWS_REGION.",
            setting="region",
        ) from None
