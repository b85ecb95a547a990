"""Objects that the pytest plugin's fixtures return. Imported by the first test that uses one."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import ExitStack
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args

from starlette.testclient import TestClient

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.principal import Principal, TokenUse
from fastapi_cognito_guard.settings import check_choice
from fastapi_cognito_guard.testing.gateway.client import GatewayClient
from fastapi_cognito_guard.testing.gateway.events import Flavour
from fastapi_cognito_guard.testing.pool import FakeUserPool
from fastapi_cognito_guard.testing.trust import trusting
from fastapi_cognito_guard.testing.users import as_user

if TYPE_CHECKING:
    from fastapi import FastAPI

Door = Flavour | Literal["standalone"]

_INSTEAD = {
    "user": 'the name stands first: {call}"bob")',
    "name": 'the name stands first: {call}"bob")',
    "group": 'write {call}groups=["admins"])',
    "scope": 'write {call}scopes=["orders/read"])',
    "scopes": "an ID token has no scopes: leave token_use out",
    "email": 'it is in ID tokens: write {call}"bob", token_use="id", email=...)',
}
"""What to write instead of arguments that there are not, or not for this type of token."""


class AuthHeaders(MutableMapping[str, str]):
    """Headers of a request by ada. Call it for headers of another user."""

    def __init__(self, pool: FakeUserPool) -> None:
        self.pool = pool
        self._resource = pool.resource
        self._headers = self()

    def __getitem__(self, name: str) -> str:
        return self.copy()[name]

    def __setitem__(self, name: str, value: str) -> None:
        self._headers[name] = value

    def __delitem__(self, name: str) -> None:
        del self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def __or__(self, other: Mapping[str, str]) -> dict[str, str]:
        return {**self, **other}

    def __ror__(self, other: Mapping[str, str]) -> dict[str, str]:
        return {**other, **self}

    def copy(self) -> dict[str, str]:
        """Return the headers, with a new token once the pool issues tokens for another resource."""
        if self._resource != self.pool.resource:
            self._resource = self.pool.resource
            self._headers |= self()
        return dict(self._headers)

    def __call__(
        self, username: str = "ada", *, token_use: TokenUse = "access", **token: Any
    ) -> dict[str, str]:
        """Return headers with a token of the user. ``token`` is passed on to the pool."""
        check_choice("token_use", token_use, get_args(TokenUse))
        issue = self.pool.id_token if token_use == "id" else self.pool.access_token
        _check_names("auth_headers(", issue, token)
        return _bearer(issue(username, **token))

    def machine(self, **token: Any) -> dict[str, str]:
        """Return headers with a client's own token. ``token`` is passed on to the pool."""
        _check_names("auth_headers.machine(", self.pool.machine_token, token)
        return _bearer(self.pool.machine_token(**token))


class Users:
    """Callable that signs a user in to an app until the test ends: see `as_user`."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __call__(self, app: "FastAPI", username: str | None = "ada", **user: Any) -> Principal:
        """Sign a user in: every request from now on is this user's."""
        _check_names("cognito_user(app, ", as_user, user)
        return self._stack.enter_context(as_user(app, username, **user))


class AnyDoor:
    """Callable that makes clients of an app behind one door. The app trusts ``pool`` until the test ends."""

    def __init__(self, stack: ExitStack, door: Door, pool: FakeUserPool) -> None:
        self.door: Door = door
        self.pool = pool
        self._stack = stack

    def __call__(self, app: "FastAPI", **options: Any) -> TestClient:
        """Return a test client. ``options`` go to ``TestClient`` or `GatewayClient`."""
        self._stack.enter_context(trusting(app, self.pool))
        if self.door == "standalone":
            return self._stack.enter_context(TestClient(app, **options))
        return self._stack.enter_context(GatewayClient(app, self.door, **options))

    def __getattr__(self, name: str) -> NoReturn:
        """Fail with advice where a client's attribute is asked for, such as ``get``."""
        advice = (
            f": write client = any_door(app), and then client.{name}" if hasattr(TestClient, name) else ""
        )
        raise AttributeError(f"any_door has no {name!r}{advice}")


def _check_names(call: str, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Raise `ConfigurationError` for arguments that ``function`` does not have."""
    parameters = signature(function).parameters
    known = [each.name for each in parameters.values() if each.kind is Parameter.KEYWORD_ONLY]
    for name in given:
        if name not in known:
            instead = _INSTEAD.get(name, "").format(call=call) if "username" in parameters else ""
            raise ConfigurationError(
                f"{call}{name}=...) has no such argument{instead and ': '}{instead}. It takes "
                f"{', '.join(known)}.",
                setting=name,
            )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
