"""Local pool that the foreign clients use, with a machine whose secret has to be encoded."""

from dataclasses import replace

from fastapi_cognito_guard.testing import Directory, LocalClient

REDIRECT_URI = "http://127.0.0.1:8000/docs/oauth2-redirect"
SCOPES = ("orders/read", "orders/write")
ODD_MACHINE = LocalClient(id="odd-machine", secret="100% sure+:/", scopes=SCOPES)
DIRECTORY = replace(Directory(), clients=(*Directory().clients, ODD_MACHINE))
