"""Cost and answers of other libraries for the same tokens."""

import os
import warnings
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from benchmarks import node
from benchmarks.bursts import (
    Burst,
    Ratio,
    Rounds,
    compute_ratio,
    interleave,
    make_async_burst,
    make_sync_burst,
    runner,
)
from benchmarks.tokens import GROUPS, SCOPES, Raw, change_signature, make_access_tokens, split_signature
from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.testing import FakeUserPool

Check = Callable[[str], object]
"""Function that verifies a token or raises. It may return an awaitable."""

_TOKENS = 100
CASES = ("good", "changed signature", "other client", "other issuer", "expired")


@dataclass(frozen=True)
class Place:
    """Pool whose keys are served on loopback."""

    pool: FakeUserPool
    address: str

    @property
    def region(self) -> str:
        """AWS region of the pool."""
        return self.pool.id.partition("_")[0]


@dataclass(frozen=True)
class Outcome:
    """Result of a library: its answer to each case, and its cost; or the reason why it was skipped."""

    name: str
    answers: Sequence[str] = ()
    ratio: Ratio | None = None
    skipped: str = ""


def make_guard(place: Place) -> Check:
    return CognitoGuard(place.pool.user_pool(), remember=0).verify


def make_python_jose(place: Place) -> Check:
    """Use ``jwt.decode`` with the entry of the key set, as many tutorials do."""
    from jose import jwt

    keys = {entry["kid"]: entry for entry in place.pool.jwks["keys"]}

    def check(token: str) -> object:
        key = keys[jwt.get_unverified_header(token)["kid"]]
        return jwt.decode(
            token, key, algorithms=["RS256"], audience=place.pool.client_id, issuer=place.pool.issuer
        )

    return check


def make_pyjwt(place: Place) -> Check:
    """Use the library's key client with its caches. An access token has no ``aud`` to check."""
    import jwt

    client = jwt.PyJWKClient(place.address)

    def check(token: str) -> object:
        key = client.get_signing_key_from_jwt(token)
        options: Any = {"verify_aud": False}
        return jwt.decode(token, key, algorithms=["RS256"], issuer=place.pool.issuer, options=options)

    return check


def make_joserfc(place: Place) -> Check:
    """Use a claims registry that requires issuer and client."""
    from joserfc import jwt
    from joserfc.jwk import RemoteKeys

    keys: Any = RemoteKeys.import_key_set(place.pool.jwks)  # type: ignore[arg-type]  # a key set
    options: Any = _build_claims_options(place)
    registry = jwt.JWTClaimsRegistry(**options)

    def check(token: str) -> object:
        claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
        registry.validate(claims)
        return claims

    return check


def make_authlib(place: Place) -> Check:
    """Use claims options that require issuer and client."""
    with warnings.catch_warnings(record=True):  # it is deprecated in favour of joserfc
        from authlib.jose import JsonWebKey, JsonWebToken
    jwt, options = JsonWebToken(["RS256"]), _build_claims_options(place)
    keys = JsonWebKey.import_key_set(place.pool.jwks)

    def check(token: str) -> object:
        claims = jwt.decode(token, keys, claims_options=options)
        claims.validate()
        return claims

    return check


def make_fastapi_cognito(place: Place) -> Check:
    """Call the library's dependency with a connection that carries the token."""
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


def make_cognitojwt(place: Place) -> Check:
    """Call the library's function. It reads the address of the keys from the environment."""
    import cognitojwt as library

    os.environ["AWS_COGNITO_JWKS_PATH"] = place.address

    def check(token: str) -> object:
        return library.decode(token, place.region, place.pool.id, app_client_id=place.pool.client_id)

    return check


def make_fastapi_cloudauth(place: Place) -> Check:
    """Use the verifier that the library's ``Cognito`` wraps, because ``Cognito`` fetches only from AWS."""
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
    "this guard, `remember=0`": make_guard,
    "python-jose, `jwt.decode` with the JWK": make_python_jose,
    "PyJWT, `PyJWKClient`": make_pyjwt,
    "joserfc": make_joserfc,
    "Authlib, `authlib.jose`": make_authlib,
    "fastapi-cognito": make_fastapi_cognito,
    "cognitojwt": make_cognitojwt,
    "fastapi-cloudauth": make_fastapi_cloudauth,
}


def measure(*, rounds: int, calls: int) -> tuple[list[Outcome], Rounds]:
    """Check the answers of each library, then measure its cost. Keys come from loopback."""
    pool = FakeUserPool()
    good = make_access_tokens(pool, _TOKENS)
    raw = Raw(pool, good[0])
    bursts: dict[str, Burst] = {
        "raw": make_sync_burst(raw.verify, [split_signature(token) for token in good])
    }
    with warnings.catch_warnings(), pool.serve() as address:
        warnings.simplefilter("ignore")  # deprecations among the libraries
        outcomes = {
            name: _try_library(name, peer, Place(pool, address), good, bursts) for name, peer in PEERS.items()
        }
        results = interleave(bursts, rounds=rounds, calls=calls)
    timed = [
        Outcome(name, outcome.answers, results.compute_ratio(name, "raw")) if name in bursts else outcome
        for name, outcome in outcomes.items()
    ]
    return [*timed, *_measure_aws_jwt_verify(pool, rounds, calls, results.seconds["raw"])], results


def _try_library(
    name: str, peer: Callable[[Place], Check], place: Place, good: Sequence[str], bursts: dict[str, Burst]
) -> Outcome:
    """Return the answers of a library. Add its burst if they are right for the good and the changed token."""
    try:
        check = peer(place)
    except Exception as error:  # a library may fail in any way
        return Outcome(name, skipped=f"{type(error).__name__}: {str(error).splitlines()[0]}")
    answers = [runner.run(_verify(check, token)) for token in make_cases(place.pool)]
    if answers[0] != "accepts" or answers[1] == "accepts":
        return Outcome(
            name, answers, skipped="it accepts a token with a changed signature, or refuses a good one"
        )
    bursts[name] = _make_burst(check, good)
    return Outcome(name, answers)


def _make_burst(check: Check, good: Sequence[str]) -> Burst:
    first = check(good[0])
    if not isawaitable(first):
        return make_sync_burst(check, good)
    runner.run(_await_answer(first))
    asynchronous: Any = check
    return make_async_burst(asynchronous, good)


async def _await_answer(answer: Awaitable[object]) -> object:
    return await answer


async def _verify(check: Check, token: str) -> str:
    try:
        result = check(token)
        result = await result if isawaitable(result) else result
    except Exception as error:  # each library has its own errors
        return f"refuses: `{type(error).__name__}`"
    return "refuses: `False`" if result is False else "accepts"


def make_cases(pool: FakeUserPool) -> list[str]:
    """Make a token for each of `CASES`. The pool signs all but the one with the changed signature."""
    good = pool.access_token(groups=GROUPS, scopes=SCOPES)
    return [
        good,
        change_signature(good),
        pool.access_token(claims={"client_id": "another"}),
        pool.access_token(claims={"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Another"}),
        pool.access_token(expires_in=-60),
    ]


def _build_claims_options(place: Place) -> dict[str, dict[str, object]]:
    return {
        "iss": {"essential": True, "value": place.pool.issuer},
        "client_id": {"essential": True, "value": place.pool.client_id},
        "exp": {"essential": True},
    }


def _measure_aws_jwt_verify(
    pool: FakeUserPool, rounds: int, calls: int, raw: Sequence[float]
) -> list[Outcome]:
    """Measure aws-jwt-verify, relative to the same raw verification as the others and to Node's own."""
    name = "aws-jwt-verify (Node)"
    order = {"pool": pool.id, "client": pool.client_id, "jwks": pool.jwks, "cases": make_cases(pool)}
    good = make_access_tokens(pool, _TOKENS)
    try:
        answers, own, seconds = node.measure({**order, "good": good, "rounds": rounds, "calls": calls})
    except node.Unavailable as error:
        return [Outcome(name, skipped=str(error))]
    return [
        Outcome(name, answers, compute_ratio(list(zip(seconds, raw, strict=True)))),
        Outcome(f"{name}, to Node's own `crypto.verify`", ratio=own),
    ]


def render_tables(outcomes: Sequence[Outcome]) -> str:
    """Render two tables: the cost, and the answers."""
    cost = ["| library | one access token / raw RSA verify |", "|---|---|"]
    answers = [f"| library | {' | '.join(CASES)} |", f"|---|{'---|' * len(CASES)}"]
    for outcome in outcomes:
        if outcome.ratio is not None:
            spread = f"{outcome.ratio.low:.2f} to {outcome.ratio.high:.2f}"
            cost.append(f"| {outcome.name} | {outcome.ratio.median:.2f} ({spread}) |")
        else:
            cost.append(f"| {outcome.name} | skipped: {outcome.skipped} |")
        if outcome.answers:
            answers.append(f"| {outcome.name} | {' | '.join(outcome.answers)} |")
    return "\n".join([*cost, "", *answers])
