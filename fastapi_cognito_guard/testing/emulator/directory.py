"""Users, groups and app clients of a local pool, from Python or from a small TOML file."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.principal import COGNITO_LEVELS
from fastapi_cognito_guard.testing.signins import check_list

DOCS_REDIRECTS = tuple(
    f"http://{host}:{port}/docs/oauth2-redirect"
    for port in ("8000", "*")
    for host in ("127.0.0.1", "localhost")
)
"""Redirect URIs of a login in ``/docs``: at uvicorn's default port, and at any other of this machine."""

EXCHANGES = frozenset({"delegation", "impersonation"})
"""Ways in which a client may exchange users' tokens: with an actor token, and without one."""

_STRICT = ConfigDict(extra="forbid")
_MESSAGES = {
    "unexpected_keyword_argument": "There is no such setting",
    "tuple_type": "Should be a list",
}


_LOCAL_PORT = r"\A(http://(?:127\.0\.0\.1|localhost))(?::[0-9]{1,5})?/"


# Before the classes: the defaults of Directory are checked when it is defined.
def _check_lists(value: object, *names: str) -> None:
    for name in names:
        check_list(name, getattr(value, name))


def _check_json(claims: Mapping[str, Any]) -> None:
    try:
        json.dumps(dict(claims), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ConfigurationError(
            "claims are texts, numbers, true or false, lists and tables: a date has to be a text.",
            setting="claims",
        ) from None


def _check_unique(setting: str, names: Iterable[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ConfigurationError(f"{setting} has {repeated[0]!r} more than once.", setting=setting)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalUser:
    """User of a local pool.

    ``password``           required at sign-in if given; it stands in a text file, so make one up for it
    ``suppressed_scopes``  scopes that this user's tokens never have, whatever the client requests
    ``highest_level``      the highest authentication level that the user can reach, by its name
    ``claims``             further claims of the ID token: ``custom:`` attributes, for example
    ``access_claims``      further claims of the access token
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    username: str
    groups: tuple[str, ...] = ()
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    suppressed_scopes: tuple[str, ...] = ()
    highest_level: str = COGNITO_LEVELS[-1]
    claims: Mapping[str, Any] = field(default_factory=dict)
    access_claims: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_lists(self, "groups", "suppressed_scopes")
        if not self.username:
            raise ConfigurationError('A user needs a name: username="ada".', setting="username")
        if self.highest_level not in COGNITO_LEVELS:
            raise ConfigurationError(
                f"highest_level is one of {', '.join(COGNITO_LEVELS)}.", setting="highest_level"
            )
        _check_json(self.claims)
        _check_json(self.access_claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalClient:
    """App client. With ``callback_urls`` users sign in to it; without, it is a machine with a ``secret``.

    ``scopes``         all scopes that it may request
    ``callback_urls``  redirect URIs of a sign-in, compared letter by letter; on this machine ``*`` may stand
                       for the port: ``http://127.0.0.1:*/docs/oauth2-redirect``
    ``logout_urls``    redirect URIs of a sign-out, compared letter by letter
    ``token_exchange`` how it may exchange users' tokens: ``"delegation"``, with its own token as the actor's,
                       ``"impersonation"``, without one, or both
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: str
    secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    callback_urls: tuple[str, ...] = ()
    logout_urls: tuple[str, ...] = ()
    token_exchange: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_lists(self, "scopes", "callback_urls", "logout_urls", "token_exchange")
        if not set(self.token_exchange) <= EXCHANGES:
            raise ConfigurationError(
                'token_exchange lists "delegation", "impersonation", or both.', setting="token_exchange"
            )
        if not (self.callback_urls or self.secret):
            raise ConfigurationError(
                f"The client {self.id!r} has neither callback_urls, for users to sign in, nor a secret, "
                "to be a machine. Give it one of them.",
                setting="clients",
            )

    @property
    def is_machine(self) -> bool:
        """True if it gets tokens for itself (client_credentials), without a user."""
        return not self.callback_urls

    def has_callback(self, url: str) -> bool:
        """Return True if users may be sent to this address after a sign-in."""
        return ":*" not in url and (url in self.callback_urls or _replace_port(url) in self.callback_urls)

    def has_origin(self, origin: str) -> bool:
        """Return True if pages at this origin, on any port of this machine, may sign users in."""
        pattern = _replace_port(f"{origin}/").rstrip("/")
        return pattern != origin and any(url.startswith(f"{pattern}/") for url in self.callback_urls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Id, users and clients of a local pool. By default ada, an admin, and bob, who may only read.

    ``token_lifetime``       in seconds
    ``registration_scopes``  lets clients register themselves (RFC 7591), without a token: for these scopes
                             beside ``openid``, ``email``, ``phone`` and ``profile``
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    id: str = "eu-west-1_LocalPool"
    token_lifetime: int = 3600
    registration_scopes: tuple[str, ...] | None = None
    users: tuple[LocalUser, ...] = (
        LocalUser(username="ada", groups=("admins",)),
        LocalUser(username="bob", suppressed_scopes=("orders/write",)),
    )
    clients: tuple[LocalClient, ...] = (
        LocalClient(
            id="local-docs",
            scopes=("openid", "email", "profile", "orders/read", "orders/write"),
            callback_urls=DOCS_REDIRECTS,
        ),
        LocalClient(id="local-machine", secret="local-secret", scopes=("orders/read", "orders/write")),  # noqa: S106 - published, and good for nothing else
    )

    def __post_init__(self) -> None:
        check_list("registration_scopes", self.registration_scopes or ())
        if not self.clients:
            raise ConfigurationError("A pool needs a client: add one to clients.", setting="clients")
        if self.token_lifetime < 1:
            raise ConfigurationError("token_lifetime is 1 second or longer.", setting="token_lifetime")
        UserPool(self.id, client_ids=[client.id for client in self.clients])  # checks the ids
        _check_unique("users", (user.username for user in self.users))
        _check_unique("clients", (client.id for client in self.clients))

    @classmethod
    def from_toml(cls, path: str | PathLike[str]) -> Self:
        """Read a file. Its tables are named like the fields: ``[[users]]``, ``[[clients]]``.

        Raises `ConfigurationError`, with the line or the field, for a file that is not valid.
        """
        try:
            content = tomllib.loads(Path(path).read_text("utf-8"))
            return TypeAdapter(cls).validate_python(content)
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
        except ValidationError as error:
            raise ConfigurationError(f"{path}: {_describe_error(error)}") from None
        except (ValueError, RecursionError, ConfigurationError) as error:
            raise ConfigurationError(f"{path}: {error}") from None

    def user(self, username: str) -> LocalUser | None:
        """Return the user with this name."""
        return next((user for user in self.users if user.username == username), None)

    def client(self, id: str) -> LocalClient | None:
        """Return the client with this id."""
        return next((client for client in self.clients if client.id == id), None)


def _replace_port(url: str) -> str:
    """Return the address with ``*`` as its port if it is one of this machine over plain http."""
    return re.sub(_LOCAL_PORT, r"\1:*/", url)


def _describe_error(error: ValidationError) -> str:
    """Return field and reason of the first error, without the value, which may be a password."""
    first = error.errors(include_url=False, include_input=False)[0]
    message = _MESSAGES.get(first["type"], first["msg"])
    return f"{'.'.join(map(str, first['loc']))}: {message}"
