"""Directory of a local pool: defaults, TOML files, and errors of one line."""

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


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_default_directory_has_two_users_the_docs_client_and_a_machine() -> None:
    directory = Directory()
    assert [(user.username, user.groups) for user in directory.users] == [("ada", ("admins",)), ("bob", ())]
    docs, machine = directory.clients
    assert (docs.is_machine, docs.secret, machine.is_machine) == (False, None, True)
    assert {"orders/read", "orders/write"} <= set(docs.scopes) & set(machine.scopes)
    assert "http://127.0.0.1:8000/docs/oauth2-redirect" in docs.callback_urls


def test_a_file_sets_every_field(tmp_path: Path) -> None:
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
    assert Directory.from_toml(write(tmp_path / "pool.toml", WHOLE)) == Directory(
        id="eu-west-1_Shop", token_lifetime=600, users=(ada,), clients=(web, robot)
    )


def test_passwords_and_secrets_are_not_in_the_repr(tmp_path: Path) -> None:
    assert "text file" not in repr(Directory.from_toml(write(tmp_path / "pool.toml", WHOLE)))


USER = "[[users]]\nusername = 'a'\n"
WRONG = [
    ("x = 1", "x: There is no such setting"),
    ("users = 3", "users: Should be a list"),
    ("[[users]]", "users.0.username: Field required"),
    ("[[users]]\nusername = 3", "users.0.username: Input should be a valid string"),
    ("[[users]]\nusername = ''", "A user needs a name"),
    (f"{USER}groups = 'admins'", "users.0.groups: Should be a list"),
    (f"{USER}password = 3", "users.0.password: Input should be a valid string"),
    (f"{USER}color = 'red'", "users.0.color: There is no such setting"),
    (f"{USER}claims = {{ born = 1815-12-10 }}", "a date has to be a text"),
    (f"{USER}access_claims = {{ x = nan }}", "a date has to be a text"),
    (USER + USER, "users has 'a' more than once"),
    ("clients = []", "A pool needs a client"),
    ("token_lifetime = 0", "token_lifetime is 1 second or longer"),
    ("[[clients]]\nid = 'x'", "neither callback_urls"),
    ("[[clients]]\nid = 'x y'\nsecret = 's'", "client_ids"),
    ("[[clients]]\nid = 'x'\nsecret = 's'\n" * 2, "clients has 'x' more than once"),
    ("id = 'shop'", "eu-west-1_Abc123Xyz"),
    ("users = [", "at end of document"),
    ("users = " + "[" * 5000, "recursion"),
]


@pytest.mark.parametrize(
    ("text", "message"), WRONG, ids=[f"{n}: {message}" for n, (_, message) in enumerate(WRONG)]
)
def test_an_invalid_file_is_an_error_of_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "pool.toml", text)
    with pytest.raises(ConfigurationError) as raised:
        Directory.from_toml(path)
    error = str(raised.value)
    assert (str(path) in error, message in error, "\n" in error) == (True, True, False)


def test_an_unreadable_file_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        Directory.from_toml(tmp_path / "missing.toml")
    (tmp_path / "pool.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="utf-8"):
        Directory.from_toml(tmp_path / "pool.toml")


def test_claims_that_are_nested_too_deep_are_an_error() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(ConfigurationError, match="claims are texts"):
        LocalUser(username="a", claims={"nested": nested})


def test_the_shortest_token_lifetime_is_one_second() -> None:
    assert Directory(token_lifetime=1).token_lifetime == 1


MISTAKES: list[tuple[Any, dict[str, Any]]] = [
    (LocalUser, {"username": "a", "groups": "admins"}),
    (LocalUser, {"username": "a", "suppressed_scopes": "x"}),
    (LocalClient, {"id": "a", "secret": "s", "scopes": "openid"}),
    (LocalClient, {"id": "a", "callback_urls": "http://127.0.0.1/"}),
]


@pytest.mark.parametrize(("kind", "facts"), MISTAKES, ids=[str(facts) for _, facts in MISTAKES])
def test_a_text_is_not_accepted_as_a_list(kind: Any, facts: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="is a list"):
        kind(**facts)
