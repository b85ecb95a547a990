"""For users' tests, and for ours: user pools without AWS, with real keys and exact claims."""

from fastapi_cognito_guard.testing.events import Flavour, gateway_event
from fastapi_cognito_guard.testing.pool import FakeUserPool
from fastapi_cognito_guard.testing.routes import assert_all_routes_guarded

__all__ = ["FakeUserPool", "Flavour", "assert_all_routes_guarded", "gateway_event"]
