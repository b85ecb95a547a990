"""For users' tests, and for ours: user pools without AWS, with real keys and exact claims."""

from fastapi_cognito_guard.testing.directory import Directory, LocalClient, LocalUser
from fastapi_cognito_guard.testing.events import Flavour, gateway_event
from fastapi_cognito_guard.testing.local import LocalPool, local_pool
from fastapi_cognito_guard.testing.pool import FakeUserPool
from fastapi_cognito_guard.testing.routes import assert_all_routes_guarded
from fastapi_cognito_guard.testing.signins import Tokens

__all__ = [
    "Directory",
    "FakeUserPool",
    "Flavour",
    "LocalClient",
    "LocalPool",
    "LocalUser",
    "Tokens",
    "assert_all_routes_guarded",
    "gateway_event",
    "local_pool",
]
