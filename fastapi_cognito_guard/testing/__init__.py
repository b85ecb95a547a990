"""Test kit: user pools without AWS, users without tokens, API gateways without a cloud.

Each name is loaded on first use, so that importing one module of the kit does not import all of it.
"""

from typing import TYPE_CHECKING

from fastapi_cognito_guard.lazy_names import load_on_use

if TYPE_CHECKING:
    from fastapi_cognito_guard.testing.assertions import assert_all_routes_guarded, assert_matrix
    from fastapi_cognito_guard.testing.attacks import assert_rejects_attacks, attack_tokens
    from fastapi_cognito_guard.testing.emulator.directory import Directory, LocalClient, LocalUser
    from fastapi_cognito_guard.testing.emulator.pool import LocalPool, local_pool
    from fastapi_cognito_guard.testing.gateway.app import Gateway
    from fastapi_cognito_guard.testing.gateway.client import GatewayClient
    from fastapi_cognito_guard.testing.gateway.events import Flavour, gateway_event
    from fastapi_cognito_guard.testing.measure import measure_matrix
    from fastapi_cognito_guard.testing.pool import FakeUserPool
    from fastapi_cognito_guard.testing.signins import Tokens
    from fastapi_cognito_guard.testing.trust import trusting
    from fastapi_cognito_guard.testing.users import as_user

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
    "assert_matrix",
    "assert_rejects_attacks",
    "attack_tokens",
    "gateway_event",
    "local_pool",
    "measure_matrix",
    "trusting",
]

__getattr__ = load_on_use(
    __name__,
    {
        "Directory": "emulator.directory",
        "FakeUserPool": "pool",
        "Flavour": "gateway.events",
        "Gateway": "gateway.app",
        "GatewayClient": "gateway.client",
        "LocalClient": "emulator.directory",
        "LocalPool": "emulator.pool",
        "LocalUser": "emulator.directory",
        "Tokens": "signins",
        "as_user": "users",
        "assert_all_routes_guarded": "assertions",
        "assert_matrix": "assertions",
        "assert_rejects_attacks": "attacks",
        "attack_tokens": "attacks",
        "gateway_event": "gateway.events",
        "local_pool": "emulator.pool",
        "measure_matrix": "measure",
        "trusting": "trust",
    },
)
