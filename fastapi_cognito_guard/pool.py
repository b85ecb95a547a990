"""Settings of user pools, fixed when the app is written and never read from a token."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from inspect import isroutine
from math import isfinite
from os import PathLike
from types import MappingProxyType
from typing import Any, Final

from fastapi_cognito_guard.addresses import (
    build_sign_in_url,
    check_address,
    check_http_hosts,
    check_name_only,
)
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.issuers import POOL_ID, REGION, build_issuers, read_issuer
from fastapi_cognito_guard.principal import COGNITO_LEVELS
from fastapi_cognito_guard.validation import NQCHAR

_ANY_POOL_ID = r"[\x21\x23-\x26\x28-\x2B\x2D-\x5F\x61-\x7E]{1,128}"  # visible; no quotes, no commas
_LEVEL = NQCHAR + "{1,64}"  # AcrValueType of the service model
_NO_ID = r"[\s,;\[\]\"'*]"  # several ids in one string, or a pattern
_TOKEN_USES = frozenset({"id", "access"})


class AnyClient(Enum):
    """The type of `ANY_CLIENT` and `ANY_BOUND_CLIENT`."""

    ANY_CLIENT = "ANY_CLIENT"
    ANY_BOUND_CLIENT = "ANY_BOUND_CLIENT"

    def __contains__(self, client_id: object) -> bool:
        """Return True for every client id. A value that is not a string is not a client id."""
        return isinstance(client_id, str)

    def __repr__(self) -> str:
        return self.value


ANY_CLIENT: Final = AnyClient.ANY_CLIENT
"""Accepts tokens of every app client of the pool, as a REST API's authorizer does. It weakens security."""

ANY_BOUND_CLIENT: Final = AnyClient.ANY_BOUND_CLIENT
"""Accepts access tokens of every app client of the pool that are bound to the guard's ``resource``.

For clients that nobody knows ahead, such as those that register themselves. Refused without ``resource``, for
ID tokens, and with another dialect than ``"strict"``: nothing would bind the token there.
"""


@dataclass(frozen=True)
class UserPool:
    """Cognito user pool, and the tokens of it to accept.

    ``id``          for example ``eu-west-1_Abc123Xyz``; region, issuers and key address derive from it.
                    With ``issuer``, the id of an emulator: ``local_6Ttdd5rm``
    ``client_ids``  the app clients whose tokens are accepted: ids, one id, `ANY_BOUND_CLIENT` for all
                    tokens that are bound to ``resource``, or `ANY_CLIENT`
    ``token_use``   the tokens that ``semantics="strict"`` accepts: ``{"access"}``, ``{"id"}`` or both
    ``regions``     regions of the pool's replicas, whose issuers are accepted too
    ``resource``    the ``aud`` that access tokens must carry (resource binding)
    ``issuer``      replaces Cognito's two issuers, for emulators and proxies. With ``jwks_uri`` or ``jwks``
                    it is only compared, so it may be any http address
    ``jwks_uri``    replaces ``{issuer}/.well-known/jwks.json``
    ``jwks``        the keys, as a mapping or the path of a file; nothing is fetched
    ``domain``      the sign-in domain: ``myapp.auth.eu-west-1.amazoncognito.com``, a domain of your own,
                    or ``http://127.0.0.1:9229`` for a local pool
    ``levels``      the pool's four authentication levels, the lowest first, if it renames Cognito's
    ``http_hosts``  names of hosts that may be reached over plain http, for emulators in containers:
                    ``["cognito"]``. Whoever controls the network to them controls the keys; refused on Lambda

    Raises `ConfigurationError` for a setting that cannot be right.
    """

    id: str
    client_ids: Collection[str] | str | AnyClient = field(kw_only=True)
    token_use: Collection[str] | str = field(default=frozenset({"access"}), kw_only=True)
    regions: Collection[str] = field(default=(), kw_only=True)
    resource: str | None = field(default=None, kw_only=True)
    issuer: str | None = field(default=None, kw_only=True)
    jwks_uri: str | None = field(default=None, kw_only=True)
    jwks: Mapping[str, Any] | str | PathLike[str] | None = field(
        default=None, kw_only=True, repr=False, hash=False
    )
    domain: str | None = field(default=None, kw_only=True)
    levels: Sequence[str] = field(default=COGNITO_LEVELS, kw_only=True)
    http_hosts: Collection[str] | str = field(default=(), kw_only=True)
    first_client_id: str | None = field(init=False, repr=False, compare=False)
    """App client of the login on ``/docs``: the first of the list, of a set the first by name."""

    def __post_init__(self) -> None:
        _check_id(self.id, any_form=self.issuer is not None)
        given, ids = self.client_ids, _check_client_ids(self.client_ids)
        object.__setattr__(self, "client_ids", ids)
        object.__setattr__(self, "first_client_id", _find_first_id(given, ids))
        object.__setattr__(self, "token_use", _check_token_uses(self.token_use))
        object.__setattr__(self, "regions", check_regions(self.regions))
        self._check_binding()
        object.__setattr__(self, "levels", _check_levels(self.levels))
        http_hosts = check_http_hosts(self.http_hosts)
        object.__setattr__(self, "http_hosts", http_hosts)
        self._check_addresses(http_hosts)
        if self.jwks is not None and not isinstance(self.jwks, Mapping | str | PathLike):
            raise ConfigurationError(
                'jwks is {"keys": [...]} as the pool publishes it, or the path of a file with it.',
                setting="jwks",
            )

    def _check_binding(self) -> None:
        if self.resource is not None and not isinstance(self.resource, str):
            raise ConfigurationError(
                'resource is one text, the aud of access tokens: "https://api.example.com".',
                setting="resource",
            )
        if self.client_ids is ANY_BOUND_CLIENT and not (self.resource and self.token_use == {"access"}):
            raise ConfigurationError(
                "ANY_BOUND_CLIENT takes access tokens that name your API in aud, and ID tokens never do: "
                'give resource="https://api.example.com/mcp", and leave token_use at {"access"}.',
                setting="client_ids",
            )

    def _check_addresses(self, http_hosts: frozenset[str]) -> None:
        named = read_issuer(self.issuer)
        if named is not None and named.pool_id != self.id:
            raise ConfigurationError(
                f"issuer names the pool {named.pool_id}, and the id is {self.id}: leave issuer out, or "
                "correct one of them.",
                setting="issuer",
            )
        if self.jwks_uri is not None:
            check_address("jwks_uri", self.jwks_uri, http_hosts=http_hosts)
        if self.issuer is not None and self.jwks is None and self.jwks_uri is None:
            check_address("issuer", self.issuer, http_hosts=http_hosts)
        elif self.issuer is not None:
            check_name_only("issuer", self.issuer)
        if self.domain is not None:
            build_sign_in_url(self.domain, http_hosts=http_hosts)

    @property
    def region(self) -> str:
        """AWS region of the pool; of an emulator's id, the text before the first underscore."""
        return self.id.partition("_")[0]

    @property
    def issuers(self) -> tuple[str, ...]:
        """Values of ``iss`` that belong to this pool: both forms of Cognito, or the configured one."""
        if self.issuer is not None:
            return (self.issuer,)
        return build_issuers(self.id, (self.region, *self.regions))

    @property
    def keys_address(self) -> str:
        """Address of the pool's key document."""
        return self.jwks_uri or f"{self.issuers[0]}/.well-known/jwks.json"

    @property
    def authorize_url(self) -> str | None:
        """Authorization endpoint (RFC 6749 section 3.1); None without a ``domain``."""
        return self._build_sign_in_url("/oauth2/authorize")

    @property
    def token_url(self) -> str | None:
        """Token endpoint (RFC 6749 section 3.2); None without a ``domain``."""
        return self._build_sign_in_url("/oauth2/token")

    def _build_sign_in_url(self, path: str) -> str | None:
        if self.domain is None:
            return None
        return build_sign_in_url(self.domain, http_hosts=frozenset(self.http_hosts)) + path


@dataclass(frozen=True, kw_only=True)
class KeyPolicy:
    """Periods for which a pool's keys are kept. All values are seconds, and more than zero.

    ``max_age``    how long fetched keys are fresh
    ``max_stale``  how much longer they are used while the key server fails
    ``cooldown``   the shortest time between two fetches for unknown ``kid``s
    ``backoff``    the first wait after a failed fetch; it doubles with each failure
    ``timeout``    the total deadline of one fetch
    """

    max_age: float = 600
    max_stale: float = 7200
    cooldown: float = 10
    backoff: float = 0.5
    timeout: float = 3

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if not _is_number(value) or value <= 0:
                raise ConfigurationError(f"KeyPolicy({name}=...) is a number of seconds above 0.")


def index_by_issuer(pools: Iterable[UserPool]) -> Mapping[str, UserPool]:
    """Return the pools by issuer. Raises `ConfigurationError` if two pools share an id or an issuer."""
    table: dict[str, UserPool] = {}
    ids: set[str] = set()
    for pool in pools:
        if _is_asgi_app(pool):  # of app.add_middleware(CognitoGuard)
            raise ConfigurationError(
                "The guard is no middleware: write CognitoGuard(UserPool(...)).install(app)."
            )
        if not isinstance(pool, UserPool):
            raise ConfigurationError("Write CognitoGuard(UserPool(...)), one UserPool per pool.")
        if pool.id in ids:
            raise ConfigurationError(f"Two pools have the id {pool.id}. Name each pool once.")
        ids.add(pool.id)
        for issuer in pool.issuers:
            if issuer in table:
                raise ConfigurationError(f"Two pools have the issuer {issuer}. Name each pool once.")
            table[issuer] = pool
    return MappingProxyType(table)


def _is_asgi_app(value: object) -> bool:
    """Return True for an object that is called, and is no function or class."""
    return callable(value) and not isroutine(value) and not isinstance(value, type)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _check_id(given: object, *, any_form: bool) -> None:
    """Raise `ConfigurationError` unless this is the id of a pool. ``any_form``: it may be an emulator's."""
    if isinstance(given, str) and re.fullmatch(_ANY_POOL_ID if any_form else POOL_ID, given):
        return
    raise ConfigurationError(
        f"{given!r} is not a user pool id. Write it as the console shows it: "
        '"eu-west-1_Abc123Xyz" (region, underscore, letters and digits). For the id of an emulator, '
        "give its issuer, too: issuer (COGNITO_ISSUER).",
        setting="id",
    )


def _check_client_ids(given: object) -> frozenset[str] | AnyClient:
    if isinstance(given, AnyClient):
        return given
    ids = _read_strings(given)
    if ids is None or any(re.search(_NO_ID, client) for client in ids):
        raise ConfigurationError(
            "client_ids names the app clients whose tokens count: "
            'client_ids={"4b1example"}, or client_ids=ANY_CLIENT to take every client of the pool.',
            setting="client_ids",
        )
    return ids


def _find_first_id(given: object, ids: frozenset[str] | AnyClient) -> str | None:
    """Return the first id. Sets have no order: theirs is the first by name, the same at each start."""
    if isinstance(ids, AnyClient):
        return None
    ordered = given if isinstance(given, Sequence) and not isinstance(given, str) else sorted(ids)
    return next(iter(ordered), None)


def _check_token_uses(given: object) -> frozenset[str]:
    uses = _read_strings(given)
    if uses is None or not uses <= _TOKEN_USES:
        raise ConfigurationError('token_use is {"access"}, {"id"} or {"access", "id"}.', setting="token_use")
    return uses


def check_regions(given: object) -> tuple[str, ...]:
    """Return regions, sorted. Raises `ConfigurationError` for anything else."""
    if given == ():
        return ()
    regions = _read_strings(given)
    if regions is None or not all(re.fullmatch(REGION, region) for region in regions):
        raise ConfigurationError('regions lists regions of AWS: regions=["eu-central-1"].', setting="regions")
    return tuple(sorted(regions))


def _check_levels(given: object) -> tuple[str, ...]:
    levels = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else ()
    named = [each for each in levels if isinstance(each, str) and re.fullmatch(_LEVEL, each)]
    if len(levels) != len(COGNITO_LEVELS) or len(set(named)) != len(COGNITO_LEVELS):
        raise ConfigurationError(
            "levels lists the names of the pool's four authentication levels, the lowest first: "
            'levels=["bronze", "silver", "gold", "platinum"].',
            setting="levels",
        )
    return levels


def _read_strings(given: object) -> frozenset[str] | None:
    """Return one string or a collection of strings as a set, or None if any is empty or not a string."""
    items = (given,) if isinstance(given, str) else given
    if not isinstance(items, Collection) or not items:
        return None
    if not all(isinstance(item, str) and item.strip() == item != "" for item in items):
        return None
    return frozenset(items)
