"""The choice of a key source by a pool's settings."""

from fastapi_cognito_guard import KeyPolicy, UserPool
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.fetch import fetch_over_https
from fastapi_cognito_guard.tokens.key_source import build_key_source
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys


def test_a_pool_without_jwks_fetches_its_keys_over_https(pool: FakeUserPool) -> None:
    keys = build_key_source(UserPool(pool.id, client_ids="web"), KeyPolicy(), clock=Clock(), fetch=None)
    assert isinstance(keys, RemoteKeys)
    assert keys._fetch is fetch_over_https
