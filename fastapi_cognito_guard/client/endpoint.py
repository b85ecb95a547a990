"""The pool's token endpoint: one short, bounded POST, and the parts of its answer, each checked."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import httpx

from fastapi_cognito_guard.addresses import build_sign_in_url
from fastapi_cognito_guard.errors import AlgorithmNotAllowed, TokenMalformed, TokenRequestFailed
from fastapi_cognito_guard.network_errors import CLIENT_SETTINGS, describe_failure
from fastapi_cognito_guard.tokens.jwt import parse

_MAX_ANSWER = 64 * 1024
_FOREVER = 1e12  # seconds; a larger number is not a time
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Token endpoint of a pool, as one app client sees it. ``http_hosts`` are those of `UserPool`."""

    domain: str
    client_id: str
    client_secret: str | None = field(repr=False)
    http_hosts: frozenset[str] = frozenset()

    async def post(self, form: Mapping[str, str], advice: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the answer to a form. The caller sets the deadline.

        Raises `TokenRequestFailed`, with ``advice`` by the code of the error.
        """
        domain = build_sign_in_url(self.domain, http_hosts=self.http_hosts)
        request = httpx.Request(
            "POST",
            f"{domain}/oauth2/token",
            data={**form, "client_id": self.client_id},
            headers={"accept": "application/json", "accept-encoding": "identity"},
        )
        secret = self.client_secret
        auth = None if secret is None else httpx.BasicAuth(self.client_id, secret)
        client = _make_client(request.url)
        try:
            async with client:
                status, body = await _send(client, request, auth)
        except Exception as error:  # also an OSError or a ValueError of a proxy's address
            raise TokenRequestFailed(
                f"The token endpoint {request.url} cannot be reached ({describe_failure(error)}): check the "
                "domain, and the network path from this machine to it."
            ) from error
        return _parse_answer(str(request.url), status, body, advice)


def is_bearer_token(token: object) -> TypeGuard[str]:
    """Return True for a text that an ``Authorization`` header can carry after ``Bearer``."""
    return isinstance(token, str) and _TOKEN.fullmatch(token) is not None


def find_lifetime(expires_in: object, token: str, now: float) -> float:
    """Return the lifetime by the endpoint, else by the token, else 0: then the token is not kept."""
    if _is_number(expires_in):
        return _as_seconds(expires_in)
    try:
        expires_at = parse(token).payload.get("exp")
    except (TokenMalformed, AlgorithmNotAllowed):  # not a token of Cognito, but it may be sent
        return 0
    return max(0.0, _as_seconds(expires_at) - now)


def _make_client(url: httpx.URL) -> httpx.AsyncClient:
    # Plain http is for loopback and named emulators: no proxy may read the secrets on their way there.
    proxied = url.scheme == "https"
    try:
        return httpx.AsyncClient(timeout=httpx.Timeout(None), trust_env=proxied)
    except Exception as error:
        # Its text is not repeated, nor shown as the cause: it may hold the proxy's password.
        raise TokenRequestFailed(
            f"No client for {url} can be made ({type(error).__name__}): {CLIENT_SETTINGS}."
        ) from None


async def _send(
    client: httpx.AsyncClient, request: httpx.Request, auth: httpx.BasicAuth | None
) -> tuple[int, bytes]:
    """Return status and body of the answer; a body that is too long is cut."""
    answer = await client.send(request, auth=auth, stream=True)
    body = b""
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > _MAX_ANSWER:
            break
    await answer.aclose()
    return answer.status_code, body


def _parse_answer(address: str, status: int, body: bytes, advice: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if status == 200 and isinstance(answer, dict):
        return answer
    error = answer.get("error") if isinstance(answer, dict) else None
    known = error if isinstance(error, str) and error in advice else None  # no other text is repeated
    what = f"{known}: {advice[known]}" if known else "it is no token endpoint, or it is out of order"
    raise TokenRequestFailed(f"{address} answered {status}, {what}.", status=status, error=known)


def _as_seconds(value: object) -> float:
    return float(value) if _is_number(value) and 0 < value < _FOREVER else 0


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
