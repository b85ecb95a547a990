"""Callers: the columns of a matrix."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal, get_args

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.principal import USER_ADMIN, TokenUse
from fastapi_cognito_guard.requirement_names import check_group_names, check_scope_names
from fastapi_cognito_guard.settings import check_choice, check_whole_number

CallerKind = Literal["user", "machine", "iam", "nobody"]

_MOST_CALLERS = 1000
_MAX_NAME = 2000  # characters
_EXAMPLE = '[[caller]] with name = "support" and groups = ["support"]'


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A caller, with what its tokens say.

    ``name``       of the column
    ``kind``       ``"user"``; ``"machine"``, a client that acts for itself; ``"iam"``, who signs with AWS
                   credentials; or ``"nobody"``, without credentials
    ``groups``     of the user
    ``scopes``     of the access token; by default the one of a sign-in through Cognito's API
    ``claims``     further claims of all tokens
    ``token_use``  the token that the caller sends; by default the one that gets further at each route
    ``level``      the authentication level reached (``acr``)
    ``age``        seconds since the sign-in
    ``actor``      the client id of a party that acts for the user
    ``pool_id``    by default the guard's first pool

    Raises `ConfigurationError` for what no caller can have.
    """

    name: str
    kind: CallerKind = "user"
    groups: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None
    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    token_use: TokenUse | None = None
    level: str | None = None
    age: int = 0
    actor: str | None = None
    pool_id: str | None = None

    def __post_init__(self) -> None:
        _check_name(self.name)
        check_choice("kind", self.kind, get_args(CallerKind))
        if self.token_use is not None:
            check_choice("token_use", self.token_use, get_args(TokenUse))
        check_whole_number("age", self.age, 0)
        object.__setattr__(self, "groups", _check_names("groups", self.groups))
        if self.scopes is not None:
            object.__setattr__(self, "scopes", _check_names("scopes", self.scopes))
        for name in ("level", "actor", "pool_id"):
            _check_text(name, getattr(self, name))
        if not isinstance(self.claims, Mapping) or not all(isinstance(name, str) for name in self.claims):
            raise ConfigurationError("claims maps names to values.", setting="claims")
        if self.kind in ("nobody", "iam") and (self.groups or self.scopes or self.claims):
            raise ConfigurationError(
                f'kind="{self.kind}" has no token: leave groups, scopes and claims out.', setting="kind"
            )
        if self.kind == "machine" and (self.groups or self.level or self.token_use == "id"):
            raise ConfigurationError(
                'kind="machine" has no groups, no level and no ID token: give it scopes.', setting="kind"
            )

    @property
    def token_scopes(self) -> tuple[str, ...]:
        """Scopes of the access token."""
        if self.scopes is not None:
            return self.scopes
        return (USER_ADMIN,) if self.kind == "user" else ()


def read_callers(text: str) -> tuple[Caller, ...]:
    """Read callers from TOML: one ``[[caller]]`` each, with the fields of a `Caller`.

    Raises `ConfigurationError`, with the name of the caller.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"The callers are not TOML: {error}.") from None
    except RecursionError:
        raise ConfigurationError("The callers are not TOML: nested too deeply.") from None
    entries = content.get("caller")
    if set(content) != {"caller"} or not isinstance(entries, list) or len(entries) > _MOST_CALLERS:
        raise ConfigurationError(f"A file of callers has only entries of the form {_EXAMPLE}.")
    callers = tuple(map(_read_caller, entries))
    check_distinct(callers)
    return callers


def check_distinct(callers: Iterable[Caller]) -> None:
    """Raise `ConfigurationError` if two callers have one name."""
    seen: set[str] = set()
    for caller in callers:
        if caller.name in seen:
            raise ConfigurationError(f"Two callers have the name {caller.name}: name each once.")
        seen.add(caller.name)


def _read_caller(entry: object) -> Caller:
    known = sorted(each.name for each in fields(Caller))
    for field_name in entry if isinstance(entry, dict) else ():
        if field_name not in known:
            near = get_close_matches(field_name, known, 1)
            advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
            raise ConfigurationError(f"A caller has the unknown field {field_name}: {advice}")
    if not isinstance(entry, dict) or "name" not in entry:
        raise ConfigurationError(f"Each caller has a name: {_EXAMPLE}.")
    try:
        return Caller(**entry)
    except ConfigurationError as error:
        raise ConfigurationError(f"The caller {entry['name']}: {error}") from None


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name.strip()) <= _MAX_NAME:
        raise ConfigurationError(f"The name of a caller is a text of 1 to {_MAX_NAME} characters.")


def _check_names(setting: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list | tuple):
        raise ConfigurationError(f'{setting} is a list: {setting}=["a", "b"].', setting=setting)
    if not given:
        return ()
    return (check_group_names if setting == "groups" else check_scope_names)(given)


def _check_text(setting: str, given: object) -> None:
    if given is not None and not (isinstance(given, str) and given and given.isprintable()):
        raise ConfigurationError(f"{setting} is a text.", setting=setting)
