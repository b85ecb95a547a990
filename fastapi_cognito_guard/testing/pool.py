"""User pool in memory, with real RSA keys and tokens that have the claims of Cognito's."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from secrets import token_urlsafe
from typing import Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

from fastapi_cognito_guard.pool import ANY_CLIENT, UserPool
from fastapi_cognito_guard.principal import USER_ADMIN
from fastapi_cognito_guard.testing.exchange import ExchangeRefused, build_exchanged_claims, read_own_claims
from fastapi_cognito_guard.testing.gateway.events import Flavour, gateway_event
from fastapi_cognito_guard.testing.key_server import Fault, PublishedDocument, serve_document
from fastapi_cognito_guard.testing.signing_key import SigningKey, unverified_claims
from fastapi_cognito_guard.testing.signins import SignIn, Tokens, check_list
from fastapi_cognito_guard.tokens.clock import read_time

_ISSUERS = ("original", "updated")


class FakeUserPool:
    """User pool without AWS. One key signs ID tokens, another access tokens.

    ``issuer``    the form of ``iss``: Cognito's ``"original"``, its ``"updated"`` one, or an address
    ``resource``  the ``aud`` of access tokens (resource binding). Within `trusting` it is the guard's
    ``now``       the clock of the tokens it issues, in seconds since the epoch

    `signing_keys` are the current keys, ``"id"`` and ``"access"``. `published` is the key set as `serve`
    publishes it.

    >>> pool = FakeUserPool()
    >>> guard = CognitoGuard(pool.user_pool())
    >>> token = pool.access_token("ada", groups=["admins"], scopes=["orders/read"])
    """

    def __init__(
        self,
        id: str = "eu-west-1_FakePool1",
        *,
        client_id: str = "4b1examplefakeclient",
        issuer: str = "original",
        resource: str | None = None,
        now: Callable[[], float] = read_time,
    ) -> None:
        self.id = id
        self.client_id = client_id
        self._own_issuer = issuer not in _ISSUERS
        if not self._own_issuer:
            issuer = UserPool(id, client_ids=client_id).issuers[_ISSUERS.index(issuer)]
        self.issuer = issuer
        self.resource = resource
        self.now = now
        self.published = PublishedDocument(lambda: self.jwks)
        self._sign_ins: dict[str, SignIn] = {}
        self.signing_keys = _generate_keys()
        self._retired: list[SigningKey] = []

    def rotate(self, *, keep_old: bool = False) -> None:
        """Replace both keys.

        With ``keep_old`` the old keys stay published beside the new ones until the next rotation, and tokens
        signed with them stay valid.
        """
        self._retired = list(self.signing_keys.values()) if keep_old else []
        self.signing_keys = _generate_keys()

    @property
    def jwks(self) -> dict[str, Any]:
        """Public keys, as the pool publishes them."""
        return {"keys": [key.public_jwk() for key in (*self.signing_keys.values(), *self._retired)]}

    def user_pool(self, **settings: Any) -> UserPool:
        """Return settings that trust this pool and hold its current keys. ``settings`` override them."""
        offline = {} if "jwks_uri" in settings else {"jwks": self.jwks}
        issuer = {"issuer": self.issuer} if self._own_issuer else {}
        own = {"client_ids": {self.client_id}, "resource": self.resource, **issuer, **offline}
        return UserPool(self.id, **{**own, **settings})

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Publish the keys over HTTP on loopback, and yield their address for ``jwks_uri=``."""
        with serve_document(f"/{self.id}/.well-known/jwks.json", self.published) as address:
            yield address

    def break_jwks(self, fault: Fault) -> AbstractContextManager[None]:
        """Make the key server fail within the block.

        ``fault`` is a status from 400 to 599, ``"hang"`` (no answer, until the block ends or for 10
        seconds) or ``"garbage"`` (status 200 with a body that is not JSON).
        """
        return self.published.broken(fault)

    def sign_in(
        self,
        username: str = "ada",
        *,
        groups: Collection[str] = (),
        scopes: Collection[str] = (USER_ADMIN,),
        email: str | None = None,
        client_id: str | None = None,
        nonce: str | None = None,
        resource: str | None = None,
        level: str | None = None,
        expires_in: float = 3600,
        id_claims: Mapping[str, Any] | None = None,
        access_claims: Mapping[str, Any] | None = None,
    ) -> Tokens:
        """Sign a user in. The tokens share ``sub``, ``origin_jti``, ``event_id`` and ``auth_time``.

        ``id_claims`` and ``access_claims`` are added or replaced, as by a pre-token-generation trigger, also
        after a refresh. A claim that is None is left out.
        """
        sign_in = self._make_sign_in(
            username,
            groups=groups,
            scopes=scopes,
            email=email,
            client_id=client_id or self.client_id,
            nonce=nonce,
            resource=resource or self.resource,
            level=level,
            id_claims=id_claims or {},
            access_claims=access_claims or {},
        )
        refresh_token = token_urlsafe(48)
        self._sign_ins[refresh_token] = sign_in
        return self._issue_pair(sign_in, expires_in, refresh_token)

    def refresh(
        self, refresh_token: str, *, client_id: str | None = None, expires_in: float = 3600
    ) -> Tokens:
        """Return new tokens of the same sign-in: only ``jti``, ``iat`` and ``exp`` differ.

        Raises `LookupError` for a token that was revoked, or that the pool did not issue to this client.
        """
        sign_in = self._sign_ins.get(refresh_token)
        if sign_in is None or sign_in.client_id != (client_id or self.client_id):
            raise LookupError("The refresh token is unknown to this pool, revoked, or of another client.")
        return self._issue_pair(sign_in, expires_in)

    def revoke(self, refresh_token: str, *, client_id: str | None = None) -> None:
        """Revoke a refresh token. Tokens that were issued for it stay valid until they expire."""
        sign_in = self._sign_ins.get(refresh_token)
        if sign_in is not None and sign_in.client_id == (client_id or self.client_id):
            del self._sign_ins[refresh_token]

    def access_token(
        self,
        username: str = "ada",
        *,
        groups: Collection[str] = (),
        scopes: Collection[str] = (USER_ADMIN,),
        level: str | None = None,
        actor: str | None = None,
        expires_in: float = 3600,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """Issue a user's access token. ``claims`` are added or replaced; a claim that is None is left out.

        ``level``: the authentication level reached (``acr``). ``actor``: the client id of who acts (``act``).
        """
        sign_in = self._make_sign_in(username, groups=groups, scopes=scopes, level=level, actor=actor)
        own = sign_in.build_access_claims()
        return self._issue(own, expires_in, claims)

    def id_token(
        self,
        username: str = "ada",
        *,
        groups: Collection[str] = (),
        email: str | None = None,
        level: str | None = None,
        actor: str | None = None,
        expires_in: float = 3600,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """Issue a user's ID token. The arguments are those of `access_token`."""
        sign_in = self._make_sign_in(
            username, groups=groups, scopes=(), email=email, level=level, actor=actor
        )
        own = sign_in.build_id_claims()
        return self._issue(own, expires_in, claims)

    def machine_token(
        self,
        *,
        scopes: Collection[str] = (),
        client_id: str | None = None,
        resource: str | None = None,
        expires_in: float = 3600,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """Issue a client's own token (client_credentials), without a user or groups."""
        client_id = client_id or self.client_id
        own = {
            "sub": client_id,
            "token_use": "access",
            "auth_time": int(self.now()),
            "version": 2,
            "client_id": client_id,
            "aud": resource or self.resource,
            "scope": " ".join(check_list("scopes", scopes)),
        }
        return self._issue(own, expires_in, claims)

    def exchange(
        self,
        subject_token: str,
        actor_token: str | None = None,
        *,
        scopes: Collection[str],
        audience: str | None = None,
        resource: str | None = None,
        client_id: str | None = None,
        expires_in: float = 3600,
    ) -> str:
        """Exchange a user's access token (RFC 8693) for one with these scopes, as far as the user's has them.

        ``actor_token``: the token of who acts for the user from now on (``act``). ``audience`` or
        ``resource`` is the new ``aud``, and ``client_id`` the client that asks.

        Raises `ExchangeRefused` if a token is not valid and this pool's own, or has none of the scopes.
        """
        subject = self._read_own_claims("subject_token", subject_token)
        actor = None if actor_token is None else self._read_own_claims("actor_token", actor_token)
        if audience is not None and resource is not None:
            raise ExchangeRefused("invalid_target", "audience and resource are alternatives")
        own = build_exchanged_claims(
            subject,
            actor,
            client_id=client_id or self.client_id,
            scopes=scopes,
            target=audience or resource,
        )
        return self._issue(own, expires_in)

    def sub(self, username: str) -> str:
        """Return the user's ``sub``, always the same for a name in a pool."""
        return str(uuid5(NAMESPACE_DNS, f"{username}.{self.id}"))

    def sign(self, claims: Mapping[str, Any], *, header: Mapping[str, Any] | None = None) -> str:
        """Sign any claims with the key of their ``token_use``. A claim that is None is left out."""
        key = self.signing_keys["id" if claims.get("token_use") == "id" else "access"]
        present = {name: value for name, value in claims.items() if value is not None}
        return key.token(present, header or {})

    def event(
        self, flavour: Flavour, token: str | None, *, vouched: bool = True, **request: Any
    ) -> dict[str, Any]:
        """Build the event of a gateway whose authorizer has accepted ``token``.

        Without a token, or with ``vouched=False``, the event is that of a route without an authorizer.
        ``request`` is passed on to `gateway_event`.
        """
        claims = unverified_claims(token) if token is not None and vouched else None
        return gateway_event(flavour, claims=claims, token=token, **request)

    def _read_own_claims(self, name: str, token: str) -> dict[str, Any]:
        any_token = self.user_pool(client_ids=ANY_CLIENT, token_use={"access", "id"}, resource=None)
        return read_own_claims(name, token, any_token, self.jwks, self.now)

    def _make_sign_in(self, username: str, **fields: Any) -> SignIn:
        own = {"client_id": self.client_id, "resource": self.resource, "auth_time": int(self.now())}
        fields = {**own, **fields}
        return SignIn(username=username, sub=self.sub(username), **fields)

    def _issue_pair(self, sign_in: SignIn, expires_in: float, refresh_token: str | None = None) -> Tokens:
        access = self._issue(sign_in.build_access_claims(), expires_in)
        return Tokens(
            access_token=access,
            id_token=self._issue(sign_in.build_id_claims(access), expires_in),
            refresh_token=refresh_token,
            expires_in=int(expires_in),
        )

    def _issue(
        self, own: Mapping[str, Any], expires_in: float, claims: Mapping[str, Any] | None = None
    ) -> str:
        now = int(self.now())
        issue = {"iss": self.issuer, "iat": now, "exp": int(now + expires_in), "jti": str(uuid4())}
        return self.sign({**issue, **own, **(claims or {})})


def _generate_keys() -> dict[str, SigningKey]:
    return {"id": SigningKey.generate(), "access": SigningKey.generate()}
