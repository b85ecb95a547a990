"""Who is in a local pool: sensible defaults, and one clear line for what cannot be right."""

from pathlib import Path
from typing import Any

import pytest

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import Directory, LocalClient, LocalUser

WHOLE = """
id = "eu-west-1_Shop"
token_lifetime = 600

[[users]]
username = "ada"
groups = ["admins", "staff"]
email = "ada@example.org"
password = "in a text file"
suppressed_scopes = ["orders/write"]
claims = { "custom:tier" = "gold" }
access_claims = { teams = [1, 2] }

[[clients]]
id = "web"
scopes = ["openid"]
callback_urls = ["https://shop.example.com/back"]
logout_urls = ["https://shop.example.com/"]

[[clients]]
id = "robot"
secret = "also in a text file"
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_without_a_word_there_are_ada_bob_the_docs_and_a_machine() -> None:
    directory = Directory()
    assert [(user.username, user.groups) for user in directory.users] == [("ada", ("admins",)), ("bob", ())]
    docs, machine = directory.clients
    assert (docs.is_machine, docs.secret, machine.is_machine) == (False, None, True)
    assert {"orders/read", "orders/write"} <= set(docs.scopes) & set(machine.scopes)
    assert "http://127.0.0.1:8000/docs/oauth2-redirect" in docs.callback_urls


def test_a_file_says_everything(tmp_path: Path) -> None:
    ada = LocalUser(
        username="ada",
        groups=("admins", "staff"),
        email="ada@example.org",
        password="in a text file",
        suppressed_scopes=("orders/write",),
        claims={"custom:tier": "gold"},
        access_claims={"teams": [1, 2]},
    )
    web = LocalClient(
        id="web",
        scopes=("openid",),
        callback_urls=("https://shop.example.com/back",),
        logout_urls=("https://shop.example.com/",),
    )
    robot = LocalClient(id="robot", secret="also in a text file")
    assert Directory.from_toml(written(tmp_path / "pool.toml", WHOLE)) == Directory(
        id="eu-west-1_Shop", token_lifetime=600, users=(ada,), clients=(web, robot)
    )


def test_neither_passwords_nor_secrets_are_shown(tmp_path: Path) -> None:
    assert "text file" not in repr(Directory.from_toml(written(tmp_path / "pool.toml", WHOLE)))


USER = "[[users]]\nusername = 'a'\n"
WRONG = [
    ("x = 1", "x: There is no such setting"),
    ("users = 3", "users: Should be a list"),
    ("[[users]]", "users.0.username: Field required"),
    ("[[users]]\nusername = 3", "users.0.username: Input should be a valid string"),
    ("[[users]]\nusername = ''", "A user has a name"),
    (f"{USER}groups = 'admins'", "users.0.groups: Should be a list"),
    (f"{USER}password = 3", "users.0.password: Input should be a valid string"),
    (f"{USER}color = 'red'", "users.0.color: There is no such setting"),
    (f"{USER}claims = {{ born = 1815-12-10 }}", "a date has to be a text"),
    (f"{USER}access_claims = {{ x = nan }}", "a date has to be a text"),
    (USER + USER, "users has 'a' more than once"),
    ("clients = []", "A pool has a client"),
    ("token_lifetime = 0", "tokens that live for a second"),
    ("[[clients]]\nid = 'x'", "neither callback_urls"),
    ("[[clients]]\nid = 'x y'\nsecret = 's'", "client_ids"),
    ("[[clients]]\nid = 'x'\nsecret = 's'\n" * 2, "clients has 'x' more than once"),
    ("id = 'shop'", "eu-west-1_Abc123Xyz"),
    ("users = [", "at end of document"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[f"{n}: {said}" for n, (_, said) in enumerate(WRONG)])
def test_a_file_that_cannot_be_right_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path / "pool.toml", text)
    with pytest.raises(ConfigurationError) as refused:
        Directory.from_toml(path)
    message = str(refused.value)
    assert (str(path) in message, said in message, "\n" in message) == (True, True, False)


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        Directory.from_toml(tmp_path / "missing.toml")
    (tmp_path / "pool.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="utf-8"):
        Directory.from_toml(tmp_path / "pool.toml")


MISTAKES: list[tuple[Any, dict[str, Any]]] = [
    (LocalUser, {"username": "a", "groups": "admins"}),
    (LocalUser, {"username": "a", "suppressed_scopes": "x"}),
    (LocalClient, {"id": "a", "secret": "s", "scopes": "openid"}),
    (LocalClient, {"id": "a", "callback_urls": "http://127.0.0.1/"}),
]


@pytest.mark.parametrize(("kind", "facts"), MISTAKES, ids=[str(facts) for _, facts in MISTAKES])
def test_a_text_where_a_list_is_due_is_not_a_list_of_letters(kind: Any, facts: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="is a list"):
        kind(**facts)
