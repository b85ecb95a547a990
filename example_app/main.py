"""The API's two front doors: ``uvicorn example_app.main:app``, and ``handler`` for Lambda.

``COGNITO_USER_POOL_ID`` and ``COGNITO_CLIENT_IDS`` name the pool. Without them it starts and trusts nobody.
"""

import logging
import os
from collections.abc import Mapping

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard, UserPool, lambda_handler

logger = logging.getLogger("example_app")


def guard_from(environ: Mapping[str, str]) -> CognitoGuard:
    """The guard that the environment describes; where it names no pool, one that lets nobody in."""
    if environ.get("COGNITO_USER_POOL_ID"):
        return CognitoGuard.from_env(environ)
    logger.warning("COGNITO_USER_POOL_ID is not set: nobody can sign in. Try: python -m example_app")
    # RFC 2606: nobody can ever own a host below .invalid, nor its keys.
    nobody = UserPool("us-east-1_Nobody", client_ids="nobody", issuer="https://issuer.invalid")
    return CognitoGuard(nobody, gateway="ignore")


app = create_app(guard_from(os.environ))
handler = lambda_handler(app)
