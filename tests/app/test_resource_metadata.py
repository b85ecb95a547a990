"""Protected Resource Metadata (RFC 9728): the documents, and the challenges that point to them."""

from typing import Any

import pytest
from fastapi import FastAPI

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.app.resource_metadata import build_metadata_url, list_metadata_paths
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, bearer, build_app, client_of, guard_for

RESOURCE = "https://api.example.com/shop"
URL = "https://api.example.com/.well-known/oauth-protected-resource/shop"
PATH = "/.well-known/oauth-protected-resource/shop"
BOUND: dict[str, Any] = {"user_pool": {"resource": RESOURCE}}


@pytest.mark.parametrize("deny_by_default", [True, False])
def test_the_document_names_the_pool_and_the_scopes_of_the_routes(
    pool: FakeUserPool, deny_by_default: bool
) -> None:
    app = build_app(guard_for(pool, deny_by_default=deny_by_default, **BOUND))
    answer = client_of(app).get(PATH)
    assert answer.status_code == 200
    assert answer.json() == {
        "resource": RESOURCE,
        "resource_name": "FastAPI",
        "authorization_servers": [pool.issuer],
        "scopes_supported": ["orders/read", "orders/write"],
        "bearer_methods_supported": ["header"],
    }
    assert PATH not in app.openapi()["paths"]


def test_challenges_point_to_the_document(pool: FakeUserPool) -> None:
    client = client_of(build_app(guard_for(pool, **BOUND)))
    token = pool.access_token(claims={"aud": RESOURCE})
    for path, headers, challenge in (
        ("/me", {}, f'Bearer resource_metadata="{URL}"'),
        (
            "/me",
            bearer("junk"),
            'Bearer error="invalid_token", error_description="The token is malformed", '
            f'resource_metadata="{URL}"',
        ),
        (
            "/all-scopes",
            bearer(token),
            f'Bearer error="insufficient_scope", scope="orders/read orders/write", resource_metadata="{URL}"',
        ),
        ("/group", bearer(token), None),
    ):
        assert client.get(path, headers=headers).headers.get("www-authenticate") == challenge


@pytest.mark.parametrize("semantics", ["rest", "http"])
def test_the_dialects_of_the_gateways_do_not_point_to_the_document(
    pool: FakeUserPool, semantics: str
) -> None:
    client = client_of(build_app(guard_for(pool, semantics=semantics, **BOUND)))
    assert "resource_metadata" not in client.get("/me").headers.get("www-authenticate", "")
    assert client.get(PATH).status_code == 200


def test_without_a_resource_there_is_no_document_and_no_pointer(pool: FakeUserPool) -> None:
    client = client_of(build_app(guard_for(pool)))
    assert client.get("/.well-known/oauth-protected-resource").status_code == 404
    assert client.get("/me").headers["www-authenticate"] == "Bearer"


def test_pools_with_the_same_resource_share_a_document(pool: FakeUserPool, other_pool: FakeUserPool) -> None:
    pools = [each.user_pool(resource=RESOURCE) for each in (pool, other_pool)]
    client = client_of(build_app(CognitoGuard(*pools, now=lambda: NOW)))
    assert client.get(PATH).json()["authorization_servers"] == [pool.issuer, other_pool.issuer]


def test_the_document_of_a_resource_names_only_its_own_pools(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    pools = pool.user_pool(resource=RESOURCE), other_pool.user_pool(resource="https://other.example.com/x")
    client = client_of(build_app(CognitoGuard(*pools)))
    assert client.get(PATH).json()["authorization_servers"] == [pool.issuer]
    other = client.get("/.well-known/oauth-protected-resource/x").json()
    assert (other["resource"], other["authorization_servers"]) == (
        "https://other.example.com/x",
        [other_pool.issuer],
    )


def test_a_route_of_the_app_cannot_replace_the_document(pool: FakeUserPool) -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/{path:path}")
    async def everything(path: str) -> str:
        return path

    guard_for(pool, **BOUND).install(app)
    assert client_of(app).get(PATH).json()["resource"] == RESOURCE


def test_a_resource_that_is_no_address_has_no_document(pool: FakeUserPool) -> None:
    assert list_metadata_paths([pool.user_pool(resource="my-api"), pool.user_pool()]) == {}


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        ("https://api.example.com", "https://api.example.com/.well-known/oauth-protected-resource"),
        ("https://api.example.com/", "https://api.example.com/.well-known/oauth-protected-resource"),
        (RESOURCE, URL),
        ("https://api.example.com:8443/a/", "https://api.example.com:8443/.well-known/oauth-protected-resource/a"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/.well-known/oauth-protected-resource"),
        ("http://api.example.com", None),
        ("my-api", None),
        ('https://api.example.com/"x', None),
        ("https://api.example.com/é", None),
        ("https://api.example.com/a?b=c", None),
        ("https://api.example.com/a#b", None),
        ("https://user@api.example.com/a", None),
        ("https://[::1", None),
        ("", None),
        (None, None),
    ],
)  # fmt: skip
def test_only_a_resource_that_is_an_address_has_metadata(resource: str | None, url: str | None) -> None:
    assert build_metadata_url(resource) == url
