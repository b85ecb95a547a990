"""Other libraries with the same token: what they cost, and what they let pass."""

import os
import warnings
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from benchmarks import node
from benchmarks.timing import Burst, Ratio, Rounds, awaiting, calling, interleave, ratio_of, runner
from benchmarks.tokens import GROUPS, SCOPES, Raw, access_tokens, signed_parts, with_changed_signature
from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.testing import FakeUserPool

Check = Callable[[str], object]
"""Takes a token, or raises. What it returns is awaited where it must be."""

_TOKENS = 100
CASES = ("good", "changed signature", "other client", "other issuer", "expired")


@dataclass(frozen=True)
class Place:
    """A pool, and the addresses of its keys on loopback."""

    pool: FakeUserPool
    address: str

    @property
    def region(self) -> str:
        """As the libraries ask for it."""
        return self.pool.id.partition("_")[0]


@dataclass(frozen=True)
class Outcome:
    """What a library does with each case, and its ratio to a raw verification; or why it was skipped."""

    name: str
    answers: Sequence[str] = ()
    ratio: Ratio | None = None
    skipped: str = ""


def this_guard(place: Place) -> Check:
    return CognitoGuard(place.pool.user_pool(), remember=0).verify


def python_jose(place: Place) -> Check:
    """The recipe of many posts: the entry of the key set goes to ``decode`` as it is."""
    from jose import jwt

    keys = {entry["kid"]: entry for entry in place.pool.jwks["keys"]}

    def check(token: str) -> object:
        key = keys[jwt.get_unverified_header(token)["kid"]]
        return jwt.decode(
            token, key, algorithms=["RS256"], audience=place.pool.client_id, issuer=place.pool.issuer
        )

    return check


def pyjwt(place: Place) -> Check:
    """Its client with its own caches; an access token has no ``aud`` to check."""
    import jwt

    client = jwt.PyJWKClient(place.address)

    def check(token: str) -> object:
        key = client.get_signing_key_from_jwt(token)
        options: Any = {"verify_aud": False}
        return jwt.decode(token, key, algorithms=["RS256"], issuer=place.pool.issuer, options=options)

    return check


def joserfc(place: Place) -> Check:
    """With a registry that wants issuer and client."""
    from joserfc import jwt
    from joserfc.jwk import RemoteKeys

    keys: Any = RemoteKeys.import_key_set(place.pool.jwks)  # type: ignore[arg-type]  # a key set
    wanted: Any = _wanted(place)
    registry = jwt.JWTClaimsRegistry(**wanted)

    def check(token: str) -> object:
        claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
        registry.validate(claims)
        return claims

    return check


def authlib(place: Place) -> Check:
    """With options that want issuer and client."""
    with warnings.catch_warnings(record=True):  # it points to joserfc
        from authlib.jose import JsonWebKey, JsonWebToken
    keys, jwt, wanted = JsonWebKey.import_key_set(place.pool.jwks), JsonWebToken(["RS256"]), _wanted(place)

    def check(token: str) -> object:
        claims = jwt.decode(token, keys, claims_options=wanted)
        claims.validate()
        return claims

    return check


def fastapi_cognito(place: Place) -> Check:
    """Its dependency, with a connection that carries the token."""
    from fastapi_cognito import CognitoAuth, CognitoSettings
    from starlette.requests import HTTPConnection

    pool: dict[str, Any] = {"region": place.region, "userpool_id": place.pool.id}
    pool |= {"app_client_id": place.pool.client_id, "jwks_url": place.address}
    settings = CognitoSettings(
        check_expiration=True,
        jwt_header_name="Authorization",
        jwt_header_prefix="Bearer",
        userpools={"eu": pool},
    )
    auth = CognitoAuth(settings)

    def check(token: str) -> object:
        headers = [(b"authorization", b"Bearer " + token.encode())]
        return auth.auth_required(HTTPConnection({"type": "http", "headers": headers}))

    return check


def cognitojwt(place: Place) -> Check:
    """Its plain function; the address of the keys comes from the environment."""
    import cognitojwt as library

    os.environ["AWS_COGNITO_JWKS_PATH"] = place.address

    def check(token: str) -> object:
        return library.decode(token, place.region, place.pool.id, app_client_id=place.pool.client_id)

    return check


def fastapi_cloudauth(place: Place) -> Check:
    """Its verifier with the arguments that its ``Cognito`` gives it: that one's address is fixed to AWS."""
    from fastapi.security import HTTPAuthorizationCredentials
    from fastapi_cloudauth.cognito import JWKS, CognitoExtraVerifier
    from fastapi_cloudauth.verification import ScopedJWKsVerifier

    client, issuer = place.pool.client_id, place.pool.issuer
    extra = CognitoExtraVerifier(client_id=client, issuer=issuer, token_use={"access"})
    verifier = ScopedJWKsVerifier(JWKS(url=place.address), audience=client, issuer=issuer, extra=extra)

    def check(token: str) -> object:
        return verifier.verify_token(HTTPAuthorizationCredentials(scheme="Bearer", credentials=token))

    return check


PEERS: dict[str, Callable[[Place], Check]] = {
    "this guard, `remember=0`": this_guard,
    "python-jose, `jwt.decode` with the JWK": python_jose,
    "PyJWT, `PyJWKClient`": pyjwt,
    "joserfc": joserfc,
    "Authlib, `authlib.jose`": authlib,
    "fastapi-cognito": fastapi_cognito,
    "cognitojwt": cognitojwt,
    "fastapi-cloudauth": fastapi_cloudauth,
}


def measure(*, rounds: int, calls: int) -> tuple[list[Outcome], Rounds]:
    """Each with its keys from loopback; first that it tells good from bad, then the time."""
    pool = FakeUserPool()
    good = access_tokens(pool, _TOKENS)
    raw = Raw(pool, good[0])
    bursts: dict[str, Burst] = {"raw": calling(raw.verify, [signed_parts(token) for token in good])}
    with warnings.catch_warnings(), pool.serve() as address:
        warnings.simplefilter("ignore")  # what libraries deprecate in each other
        outcomes = {
            name: _try(name, peer, Place(pool, address), good, bursts) for name, peer in PEERS.items()
        }
        took = interleave(bursts, rounds=rounds, calls=calls)
    timed = [
        Outcome(name, outcome.answers, took.ratio(name, "raw")) if name in bursts else outcome
        for name, outcome in outcomes.items()
    ]
    return [*timed, *_aws_jwt_verify(pool, rounds, calls, took.seconds["raw"])], took


def _try(
    name: str, peer: Callable[[Place], Check], place: Place, good: Sequence[str], bursts: dict[str, Burst]
) -> Outcome:
    """What it answers. Only one that takes the good token and refuses the changed one is timed."""
    try:
        check = peer(place)
    except Exception as error:  # whatever keeps a library from working here
        return Outcome(name, skipped=f"{type(error).__name__}: {str(error).splitlines()[0]}")
    answers = [runner.run(_answer(check, token)) for token in cases(place.pool)]
    if answers[0] != "accepts" or answers[1] == "accepts":
        return Outcome(name, answers, skipped="it does not tell a good token from a changed one")
    bursts[name] = _burst(check, good)
    return Outcome(name, answers)


def _burst(check: Check, good: Sequence[str]) -> Burst:
    first = check(good[0])
    if not isawaitable(first):
        return calling(check, good)
    runner.run(_wait(first))
    asynchronous: Any = check
    return awaiting(asynchronous, good)


async def _wait(answer: Awaitable[object]) -> object:
    return await answer


async def _answer(check: Check, token: str) -> str:
    try:
        taken = check(token)
        taken = await taken if isawaitable(taken) else taken
    except Exception as error:  # refusals are of as many types as there are libraries
        return f"refuses: `{type(error).__name__}`"
    return "refuses: `False`" if taken is False else "accepts"


def cases(pool: FakeUserPool) -> list[str]:
    """A token for each of `CASES`; all but the changed one have the pool's own signature."""
    good = pool.access_token(groups=GROUPS, scopes=SCOPES)
    return [
        good,
        with_changed_signature(good),
        pool.access_token(claims={"client_id": "another"}),
        pool.access_token(claims={"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Another"}),
        pool.access_token(expires_in=-60),
    ]


def _wanted(place: Place) -> dict[str, dict[str, object]]:
    return {
        "iss": {"essential": True, "value": place.pool.issuer},
        "client_id": {"essential": True, "value": place.pool.client_id},
        "exp": {"essential": True},
    }


def _aws_jwt_verify(pool: FakeUserPool, rounds: int, calls: int, raw: Sequence[float]) -> list[Outcome]:
    """Beside the same raw verification as all others, and beside Node's own."""
    name = "aws-jwt-verify (Node)"
    order = {"pool": pool.id, "client": pool.client_id, "jwks": pool.jwks, "cases": cases(pool)}
    good = access_tokens(pool, _TOKENS)
    try:
        answers, own, took = node.measure({**order, "good": good, "rounds": rounds, "calls": calls})
    except node.Unavailable as error:
        return [Outcome(name, skipped=str(error))]
    return [
        Outcome(name, answers, ratio_of(list(zip(took, raw, strict=True)))),
        Outcome(f"{name}, to Node's own `crypto.verify`", ratio=own),
    ]


def table(outcomes: Sequence[Outcome]) -> str:
    """Two tables: the cost, and the answers."""
    cost = ["| library | one access token / raw RSA verify |", "|---|---|"]
    told = [f"| library | {' | '.join(CASES)} |", f"|---|{'---|' * len(CASES)}"]
    for outcome in outcomes:
        if outcome.ratio is not None:
            spread = f"{outcome.ratio.low:.2f} to {outcome.ratio.high:.2f}"
            cost.append(f"| {outcome.name} | {outcome.ratio.median:.2f} ({spread}) |")
        else:
            cost.append(f"| {outcome.name} | skipped: {outcome.skipped} |")
        if outcome.answers:
            told.append(f"| {outcome.name} | {' | '.join(outcome.answers)} |")
    return "\n".join([*cost, "", *told])
