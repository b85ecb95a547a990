"""Example app behind a custom Lambda authorizer."""

import os

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard, UserPool, lambda_handler

from .context import to_claims  # relative: in the bundle, `functions` is at the root

pool = UserPool(
    os.environ["COGNITO_USER_POOL_ID"],
    client_ids=os.environ["COGNITO_CLIENT_IDS"].split(","),
    jwks_uri=os.environ["COGNITO_JWKS_URI"],
)
handler = lambda_handler(create_app(CognitoGuard(pool, lambda_context=to_claims)))
