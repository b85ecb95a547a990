"""Entry points of the API: ``uvicorn example_app.main:app``, and ``handler`` for AWS Lambda.

``COGNITO_USER_POOL_ID`` and ``COGNITO_CLIENT_IDS`` name the user pool. Without them the app starts, and
refuses every token.
"""

import logging
import os
from collections.abc import Mapping

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard, UserPool, lambda_handler

logger = logging.getLogger("example_app")


def build_guard(environ: Mapping[str, str]) -> CognitoGuard:
    """Return a guard for the pool in the environment; without a pool, a guard that refuses every token."""
    if environ.get("COGNITO_USER_POOL_ID"):
        return CognitoGuard.from_env(environ)
    logger.warning("COGNITO_USER_POOL_ID is not set: every token is refused. Try: python -m example_app")
    # RFC 2606: a host below .invalid never exists, so there are never keys to verify a token with.
    pool = UserPool("us-east-1_Nobody", client_ids="nobody", issuer="https://issuer.invalid")
    return CognitoGuard(pool, gateway="ignore")


app = create_app(build_guard(os.environ))
handler = lambda_handler(app)
