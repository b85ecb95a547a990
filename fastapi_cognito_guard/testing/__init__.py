"""For users' tests, and for ours: user pools without AWS, with real keys and exact claims."""

from fastapi_cognito_guard.testing.events import Flavour, gateway_event
from fastapi_cognito_guard.testing.pool import FakeUserPool

__all__ = ["FakeUserPool", "Flavour", "gateway_event"]
