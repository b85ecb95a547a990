"""Comparison of authorizers with the guard: pools, issuers, audiences, claims, and the token's place."""

from collections.abc import Iterable, Iterator, Sequence

from fastapi_cognito_guard.deploy.definition.arns import find_pool_id
from fastapi_cognito_guard.deploy.definition.jwt import list_token_uses
from fastapi_cognito_guard.deploy.drift.caching import check_caching, holds_token
from fastapi_cognito_guard.deploy.drift.deployed import Authorizer, DeployedApi, TrustedIssuer
from fastapi_cognito_guard.deploy.drift.expected import Expected
from fastapi_cognito_guard.deploy.drift.findings import Code, Finding
from fastapi_cognito_guard.deploy.drift.values import Unknown
from fastapi_cognito_guard.pool import ANY_BOUND_CLIENT, AnyClient, UserPool


def check_authorizer(authorizer: Authorizer, api: DeployedApi, expected: Expected) -> Iterator[Finding]:
    """Compare an authorizer with the guard."""
    where = f"authorizer {authorizer.name}"
    if authorizer.kind == "cognito":
        yield from _check_pools(where, authorizer, expected)
    elif authorizer.kind == "jwt":
        yield from _check_issuers(where, authorizer, expected)
    if authorizer.kind in ("cognito", "jwt", "lambda"):
        yield from _check_sources(where, authorizer, expected)
        yield from check_caching(where, authorizer, api, expected)


def _check_pools(where: str, authorizer: Authorizer, expected: Expected) -> Iterator[Finding]:
    trusted = {pool.id for pool in expected.guard.pools}
    found = {arn: find_pool_id(arn) if isinstance(arn, str) else None for arn in authorizer.pools}
    for arn, pool in found.items():
        if pool is None:
            text = f"If {_quote(arn)} is a pool of the guard is not known here: give what is deployed."
            yield Finding("undecided", "unknown", where, text)
        elif pool not in trusted:
            yield _describe_foreign(where, "other-pool", f"the pool {pool}", sorted(trusted), expected)
    if not found:
        yield Finding("undecided", "unknown", where, "The document does not say which pools it trusts.")
    elif None not in found.values():
        yield from _list_missing(where, sorted(trusted - {*found.values()}))


def _describe_foreign(where: str, code: Code, name: str, known: Sequence[str], expected: Expected) -> Finding:
    if expected.guard.directory is not None:
        text = f"The gateway trusts {name}. If the guard does is not known here: its directory decides."
        return Finding("undecided", "unknown", where, text)
    return Finding(
        "danger",
        code,
        where,
        f"The gateway trusts {name}, and the guard trusts {', '.join(known)}. Tokens of others pass the "
        "gateway. Correct the authorizer, or the guard.",
    )


def _list_missing(where: str, pools: Sequence[str]) -> Iterator[Finding]:
    for pool in pools:
        text = f"The gateway refuses all tokens of {pool}, a pool of the guard. Add it to the authorizer."
        yield Finding("warning", "missing-pool", where, text)


def _check_issuers(where: str, authorizer: Authorizer, expected: Expected) -> Iterator[Finding]:
    missing = {pool.id for pool in expected.guard.pools}
    is_known = True
    for each in authorizer.issuers:
        uses = [pool for pool in expected.pools if each.issuer in pool.issuers]
        if isinstance(each.issuer, Unknown):
            is_known = False
            issuer = _quote(each.issuer)
            text = f"If {issuer} is an issuer of the guard is not known here: give what is deployed."
            yield Finding("undecided", "unknown", where, text)
            uses = expected.pools
        elif not uses:
            known = [issuer for pool in expected.guard.pools for issuer in pool.issuers]
            yield _describe_foreign(where, "other-issuer", each.issuer, known, expected)
            continue
        missing -= {pool.id for pool in uses}
        yield from _check_audiences(where, each, uses, expected)
        yield from _check_claims(where, each, uses, expected)
    if is_known:
        yield from _list_missing(where, sorted(missing))


def _check_audiences(
    where: str, issuer: TrustedIssuer, pools: Sequence[UserPool], expected: Expected
) -> Iterator[Finding]:
    clients = [pool.client_ids for pool in pools]
    is_any = any(isinstance(each, AnyClient) and each is not ANY_BOUND_CLIENT for each in clients)
    if is_any or (not pools and expected.guard.directory is not None):
        return
    allowed = {name for pool in pools for name in _list_names(pool)}
    if not issuer.audiences:
        text = f"It names no audience, and the guard takes {_join(allowed)}. Name them."
        yield Finding("danger", "other-audience", where, text)
        return
    given = {each for each in issuer.audiences if isinstance(each, str)}
    for each in (each for each in issuer.audiences if isinstance(each, Unknown)):
        text = f"If {_quote(each)} is an audience of the guard is not known here: give what is deployed."
        yield Finding("undecided", "unknown", where, text)
    if wider := given - allowed:
        text = f"The gateway takes tokens for {_join(wider)}, and the guard for {_join(allowed)}. Remove it."
        yield Finding("danger", "other-audience", where, text)
    needed = {name for pool in pools for name in _list_needed(pool, expected)}
    if (narrower := needed - given) and len(given) == len(issuer.audiences):
        text = f"The gateway refuses tokens for {_join(narrower)}, which the guard takes. Add it."
        yield Finding("warning", "missing-audience", where, text)


def _list_names(pool: UserPool) -> list[str]:
    clients = [] if isinstance(pool.client_ids, AnyClient) else list(pool.client_ids)
    return [*clients, *([pool.resource] if pool.resource is not None else [])]


def _list_needed(pool: UserPool, expected: Expected) -> list[str]:
    """Return the audiences that tokens for the app have: only the resource, if it binds all of them."""
    uses = list_token_uses(pool, expected.guard.semantics)
    return [pool.resource] if pool.resource is not None and set(uses) == {"access"} else _list_names(pool)


def _check_claims(
    where: str, issuer: TrustedIssuer, pools: Sequence[UserPool], expected: Expected
) -> Iterator[Finding]:
    """Check the further claims that a REST API compares: they may refuse what the app takes."""
    for name, values in issuer.claims:
        taken = _list_taken(name, pools, expected)
        if any(isinstance(value, Unknown) for value in values):
            text = f"Which values of {name} the gateway passes is not known here."
            yield Finding("undecided", "unknown", where, text)
        elif taken is None or not taken <= {*values}:
            text = (
                f"The gateway passes only tokens whose {name} is {_join(values) or 'there'}, and the app "
                f"takes {_join(taken) if taken else 'others'}, too. Remove the claim from the authorizer."
            )
            yield Finding("warning", "narrower-claims", where, text)


def _list_taken(name: str, pools: Sequence[UserPool], expected: Expected) -> set[str] | None:
    """Return the values of a claim that the app takes; None if it takes any."""
    if name == "token_use":
        return {use for pool in pools for use in list_token_uses(pool, expected.guard.semantics)}
    if name == "client_id" and not any(isinstance(pool.client_ids, AnyClient) for pool in pools):
        return {client for pool in pools for client in _list_names(pool) if client != pool.resource}
    return None


def _check_sources(where: str, authorizer: Authorizer, expected: Expected) -> Iterator[Finding]:
    """Check that the authorizer reads the token where the guard does."""
    if not authorizer.sources or holds_token(authorizer, expected.header):
        return
    if any(isinstance(source, Unknown) for source in authorizer.sources):
        yield Finding("undecided", "unknown", where, "Where it reads the token is not known here.")
        return
    text = (
        f"It reads {_join(authorizer.sources)}, and the guard the header {expected.header.title()}: callers "
        "who send the token only there are refused. Correct the identity source, or the guard's."
    )
    yield Finding("warning", "identity-source", where, text)


def _quote(value: object) -> str:
    return f'"{value}"'


def _join(names: Iterable[object]) -> str:
    return ", ".join(sorted(map(str, names)))
