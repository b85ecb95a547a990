"""Keys from the settings: a mapping is checked at once, and a file is read again when it changes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.errors import ConfigurationError, KeysUnavailable, KeyUnknown
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.static_keys import FileKeys, MappingKeys

pytestmark = pytest.mark.anyio
OLD, NEW = FakeUserPool(), FakeUserPool()
KID, NEW_KID = (pool.jwks["keys"][0]["kid"] for pool in (OLD, NEW))


@pytest.mark.parametrize("jwks", [{}, {"keys": []}, {"keys": [{"kty": "EC"}]}], ids=repr)
def test_a_mapping_without_a_usable_key_is_a_configuration_error_at_once(jwks: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="no usable key"):
        CognitoGuard(OLD.user_pool(jwks=jwks))


async def test_a_guard_takes_the_path_of_a_key_file(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(OLD.jwks))
    assert await CognitoGuard(OLD.user_pool(jwks=file)).verify(OLD.access_token())


async def test_keys_of_a_mapping_are_found_by_kid() -> None:
    keys = MappingKeys(OLD.jwks)
    assert await keys.warm_up()
    assert await keys.get(KID) is keys.find(KID)
    assert keys.status() == {"kids": sorted(key["kid"] for key in OLD.jwks["keys"]), "usable": True}
    with pytest.raises(KeyUnknown):
        await keys.get(NEW_KID)


class FakeTime:
    now = 0.0


async def test_a_file_is_read_again_when_it_changes_and_a_broken_one_replaces_nothing(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    keys = FileKeys(file, Clock(wall=lambda: FakeTime.now, steady=lambda: FakeTime.now))
    assert await keys.warm_up() is False
    with pytest.raises(KeysUnavailable, match="FileNotFoundError"):
        await keys.get(KID)
    for step, (text, kid, error) in enumerate(
        [
            (json.dumps(OLD.jwks), KID, None),
            ("half of {", KID, "JSONDecodeError"),
            ('{"keys": []}', KID, "NotKeys"),
            (json.dumps(NEW.jwks), NEW_KID, None),
        ]
    ):
        file.write_text(text)
        os.utime(file, (step, step))
        FakeTime.now += 1
        assert await keys.get(kid)
        assert keys.status()["last_error"] == error
    first = keys.find(NEW_KID)
    file.write_text(json.dumps(NEW.jwks, indent=1))
    FakeTime.now += 1
    assert keys.find(NEW_KID) is first
    with pytest.raises(KeyUnknown):
        await keys.get(KID)
    file.unlink()
    FakeTime.now += 1
    assert keys.find(NEW_KID) is first


async def test_a_file_is_not_checked_for_every_request(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(OLD.jwks))
    keys = FileKeys(file, Clock(wall=lambda: FakeTime.now, steady=lambda: FakeTime.now))
    assert keys.find(KID)
    FakeTime.now += 1
    assert keys.find(KID)
    file.unlink()
    assert keys.find(KID)
    assert keys.status() == {
        "kids": sorted(key["kid"] for key in OLD.jwks["keys"]), "usable": True, "last_error": None,
    }  # fmt: skip


async def test_the_keys_of_a_mapping_are_built_at_warm_up() -> None:
    keys = MappingKeys(OLD.jwks)
    assert keys._keys is None
    await keys.warm_up()
    assert keys._keys is not None


async def test_a_file_of_keys_is_read_at_warm_up(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(OLD.jwks))
    keys = FileKeys(file, Clock(wall=lambda: 0.0, steady=lambda: 0.0))
    assert await keys.warm_up() is True


async def test_a_file_that_is_nested_too_deeply_replaces_nothing(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text("[" * 200_000)
    keys = FileKeys(file, Clock(wall=lambda: 0.0, steady=lambda: 0.0))
    with pytest.raises(KeysUnavailable, match="RecursionError"):
        await keys.get(KID)
