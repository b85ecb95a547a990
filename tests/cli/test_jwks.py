"""Command `jwks pull`: the pool's keys in a file."""

import json
import os
from pathlib import Path

import pytest

from fastapi_cognito_guard.cli.jwks import find_pool
from fastapi_cognito_guard.testing import FakeUserPool
from tests.cli.running import cognito_guard


def test_the_keys_are_written_to_a_file_or_printed(
    pool: FakeUserPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "keys.json"
    target.write_text("before")
    with pool.serve() as address:
        env = {"COGNITO_USER_POOL_ID": pool.id, "COGNITO_JWKS_URI": address}
        for fault in (500, "garbage"):
            with pool.break_jwks(fault):
                assert cognito_guard("jwks", "pull", "-o", str(target), env=env).code == 3
            assert target.read_text() == "before"
        assert cognito_guard("jwks", "pull", "-o", str(target), env=env).code == 0
        assert json.loads(target.read_text()) == pool.jwks
        assert target.stat().st_mode & 0o777 == 0o644  # readable by the user that a function runs as
        assert json.loads(cognito_guard("jwks", "pull", "-o", "-", env=env).out) == pool.jwks
        assert cognito_guard("jwks", "pull", "-o", str(tmp_path / "no" / "x"), env=env).code == 2
    assert cognito_guard("jwks", "pull", env=env).code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_links_are_followed_pipes_are_written_to_and_no_temporary_file_is_left(
    pool: FakeUserPool, tmp_path: Path
) -> None:
    real, link, pipe = tmp_path / "real.json", tmp_path / "link.json", tmp_path / "pipe"
    real.write_text("old")
    link.symlink_to(real)
    os.mkfifo(pipe)
    with pool.serve() as jwks_uri:
        env = {"COGNITO_USER_POOL_ID": pool.id, "COGNITO_JWKS_URI": jwks_uri}
        assert cognito_guard("jwks", "pull", "-o", str(link), env=env).code == 0
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        assert cognito_guard("jwks", "pull", "-o", str(pipe), env=env).code == 0
        assert os.read(reader, 65536) == real.read_bytes()
        os.close(reader)
        assert cognito_guard("jwks", "pull", "-o", str(tmp_path), env=env).code == 2
    assert link.is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"real.json", "link.json", "pipe"}


def test_after_a_failed_write_no_temporary_file_is_left(
    pool: FakeUserPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pool.serve() as jwks_uri:
        env = {"COGNITO_USER_POOL_ID": pool.id, "COGNITO_JWKS_URI": jwks_uri}
        result = cognito_guard("jwks", "pull", "-o", str(tmp_path / "keys.json"), env=env)
    assert (result.code, "cannot be written: No space left on device." in result.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_or_invalid_pool_id_is_an_error() -> None:
    assert "No pool: give its id" in cognito_guard("jwks", "pull").err
    assert "is not a user pool id" in cognito_guard("jwks", "pull", "nonsense").err
    wrong = cognito_guard("jwks", "pull", env={"COGNITO_USER_POOL_ID": "x"})
    assert "COGNITO_USER_POOL_ID: 'x' is not" in wrong.err
    assert find_pool("eu-west-1_Abc123Xyz").region == "eu-west-1"


def test_settings_of_the_environment_apply_to_its_own_pool_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COGNITO_USER_POOL_ID", "eu-west-1_Abc123Xyz")
    monkeypatch.setenv("COGNITO_JWKS_URI", "http://127.0.0.1:9229/jwks.json")
    assert find_pool("eu-west-1_Abc123Xyz").keys_address == "http://127.0.0.1:9229/jwks.json"
    assert find_pool("eu-west-1_Other1234").keys_address.startswith("https://cognito-idp.eu-west-1.")
