"""The API behind a Lambda authorizer, as two functions.

``authorizer`` decides at the gateway, and ``handler`` runs the app behind it. Both use the same routes, and
the environment variables of `example_app.main`.
"""

from example_app.api import create_app
from fastapi_cognito_guard import CognitoGuard, lambda_handler
from fastapi_cognito_guard.deploy import lambda_authorizer, lambda_claims

guard = CognitoGuard.from_env(lambda_context=lambda_claims)
app = create_app(guard)
handler = lambda_handler(app)
authorizer = lambda_authorizer(guard, app=app)
