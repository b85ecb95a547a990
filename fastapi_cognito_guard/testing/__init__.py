"""For users' tests, and for ours: user pools without AWS, users without tokens, gateways without a cloud."""

from typing import TYPE_CHECKING, Any

from fastapi_cognito_guard.testing.assertions import assert_all_routes_guarded
from fastapi_cognito_guard.testing.attacks import assert_rejects_attacks, attack_tokens
from fastapi_cognito_guard.testing.emulator.directory import Directory, LocalClient, LocalUser
from fastapi_cognito_guard.testing.emulator.pool import LocalPool, local_pool
from fastapi_cognito_guard.testing.gateway.app import Gateway
from fastapi_cognito_guard.testing.gateway.events import Flavour, gateway_event
from fastapi_cognito_guard.testing.pool import FakeUserPool
from fastapi_cognito_guard.testing.signins import Tokens
from fastapi_cognito_guard.testing.trust import trusting
from fastapi_cognito_guard.testing.users import as_user

if TYPE_CHECKING:
    from fastapi_cognito_guard.testing.gateway.client import GatewayClient

__all__ = [
    "Directory",
    "FakeUserPool",
    "Flavour",
    "Gateway",
    "GatewayClient",
    "LocalClient",
    "LocalPool",
    "LocalUser",
    "Tokens",
    "as_user",
    "assert_all_routes_guarded",
    "assert_rejects_attacks",
    "attack_tokens",
    "gateway_event",
    "local_pool",
    "trusting",
]


def __getattr__(name: str) -> Any:
    """`GatewayClient` on demand: it needs httpx2, which only tests have, and the local pool does not."""
    if name == "GatewayClient":
        from fastapi_cognito_guard.testing.gateway.client import GatewayClient

        return GatewayClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
