"""Requests to the example app."""

import json
from collections.abc import Mapping

import httpx

from tests.apps import bearer

MOST_CALLS = 300
_BODY = json.dumps({"item": "jam", "quantity": 1})


def send(
    client: httpx.Client, method: str, url: str, token: str | None = None, headers: Mapping[str, str] = {}
) -> httpx.Response:
    """Send a request. A POST carries an order."""
    headers = {**headers, **(bearer(token) if token else {})}
    if method != "POST":
        return client.request(method, url, headers=headers)
    return client.post(url, content=_BODY, headers={**headers, "Content-Type": "application/json"})
