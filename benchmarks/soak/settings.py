"""What the app under test and its load agree on."""

from fastapi_cognito_guard import KeyPolicy

SCOPE = "orders/read"
POLICY = KeyPolicy(max_age=6, max_stale=8, cooldown=1, backoff=0.25)
"""The periods are short, so that keys age and expire many times in one run."""
