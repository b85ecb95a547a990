"""Token verifier for servers of the MCP SDK and of FastMCP.

Neither is imported here: an app that uses one has loaded it.
"""

import logging
import sys
from collections.abc import Awaitable, Iterable
from typing import Any, Protocol

from fastapi_cognito_guard.errors import ConfigurationError, Unauthenticated
from fastapi_cognito_guard.log_records import write_record
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.principal import Principal

logger = logging.getLogger("fastapi_cognito_guard")

_TOKENS = "mcp.server.auth.provider"


class Verifying(Protocol):
    """Guard, as far as a verifier needs it."""

    pools: tuple[UserPool, ...]

    def verify(self, token: str) -> Awaitable[Principal]:
        """Return the principal of a bare token. Raises an `AuthError`."""
        ...


class McpTokenVerifier:
    """Verifies the tokens of an MCP server by the rules of a guard.

    It has the form of ``TokenVerifier`` in ``mcp.server.auth.provider``, and of the verifiers that FastMCP's
    ``RemoteAuthProvider`` takes. The scopes that your server requires are its own setting.
    """

    def __init__(self, guard: Verifying) -> None:
        self._guard = guard

    @property
    def required_scopes(self) -> list[str]:
        """Scopes that the verifier itself requires: none. FastMCP reads them."""
        return []

    @property
    def scopes_supported(self) -> list[str]:
        """Scopes for the metadata of a FastMCP server: none, give them to its ``RemoteAuthProvider``."""
        return []

    async def verify_token(self, token: str) -> Any:
        """Return the SDK's ``AccessToken``, or None for a token that is refused; the log says why.

        Raises `KeysUnavailable` if the pool's keys are unavailable, which says nothing about the token.
        """
        try:
            principal = await self._guard.verify(token)
        except Unauthenticated as error:
            facts = {"outcome": "refused", "code": error.code, **error.about}
            message = "MCP token refused: %s: %s"
            write_record(logger, logging.WARNING, message, error.code, error.reason, extra=facts)
            return None
        access = build_access_token(principal, token, self._guard.pools)
        if access is None:
            raise ConfigurationError(
                "guard.token_verifier() is for servers of the MCP SDK (mcp) and of FastMCP, and neither is "
                "loaded: give it to MCPServer(token_verifier=...) or to RemoteAuthProvider."
            )
        return access


def build_access_token(principal: Principal, token: str, pools: Iterable[UserPool]) -> Any:
    """Build the MCP SDK's ``AccessToken`` of a caller, or None if the SDK is not loaded."""
    tokens = sys.modules.get(_TOKENS)
    if tokens is None:
        return None
    return tokens.AccessToken(
        token=token,
        client_id=principal.client_id,
        scopes=sorted(principal.scopes),
        expires_at=int(principal.expires_at),
        resource=_find_resource(principal, pools),
        subject=principal.sub,
        claims=dict(principal.claims),
    )


def _find_resource(principal: Principal, pools: Iterable[UserPool]) -> str | None:
    """Return the resource that the guard requires of the caller's pool, if the token names it.

    Any other ``aud`` may be an app client.
    """
    audience = principal.claim("aud")
    named = audience if isinstance(audience, list) else [audience]
    required = next((pool.resource for pool in pools if principal.issuer in pool.issuers), None)
    return required if required in named else None
