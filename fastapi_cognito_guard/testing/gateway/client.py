"""Test client that calls an app through API Gateway."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.testclient import TestClient

from fastapi_cognito_guard.testing.gateway.app import Gateway
from fastapi_cognito_guard.testing.gateway.events import Flavour

if TYPE_CHECKING:
    from fastapi import FastAPI


class GatewayClient(TestClient):
    """``TestClient`` that calls the app through API Gateway.

    An authorizer checks requests by the app's own routes, and answers 401 and 403 in its own format. Requests
    that it accepts reach the app through Mangum, as an event of that gateway. ``kind``, ``stage`` and
    ``context`` are arguments of `Gateway`, all others of ``TestClient``. As there, ``with GatewayClient(app)
    as client:`` runs the app's lifespan, and a client without ``with`` does not.
    """

    def __init__(
        self,
        app: "FastAPI",
        kind: Flavour = "rest",
        *,
        stage: str | None = None,
        context: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> None:
        self.gateway = Gateway(app, kind=kind, stage=stage, context=context)
        super().__init__(self.gateway, **{"base_url": self.gateway.address, **options})
