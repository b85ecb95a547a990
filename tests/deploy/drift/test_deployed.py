"""Matching of paths at a gateway: which route takes a path, and which requests two paths share."""

import pytest

from fastapi_cognito_guard.deploy.drift.deployed import (
    DeployedApi,
    DeployedRoute,
    intersect_paths,
    parse_route_path,
)


def parse(path: str) -> tuple[str, ...]:
    return parse_route_path(path, keep_slash=True)


@pytest.mark.parametrize(
    ("route", "path", "takes"),
    [
        ("/", "/", True),
        ("/", "/a", False),
        ("/a", "/a", True),
        ("/a", "/a/", False),
        ("/a", "/{x}", False),
        ("/{x}", "/a", True),
        ("/{x}", "/{y}", True),
        ("/{x}", "/", False),
        ("/{x}", "/{y+}", False),
        ("/{x}/b", "/a/{y+}", False),
        ("/{x}", "/a/b", False),
        ("/{x+}", "/", False),
        ("/{x+}", "/a/b", True),
        ("/{x+}", "/{y+}", True),
        ("/a/{x+}", "/a", False),
        ("/a/{x+}", "/a/", False),  # as a variable, it needs a text
        ("/a/{x+}", "/a/{y}/c", True),
        ("/a/{x+}", "/{y+}", False),
    ],
)
def test_a_route_takes_a_path_if_it_takes_all_its_requests(route: str, path: str, takes: bool) -> None:
    assert DeployedRoute(path=parse(route), method="GET").takes(parse(path)) is takes


@pytest.mark.parametrize(
    ("path", "other", "both"),
    [
        ("/a/{x}", "/{y}/b", "/a/b"),
        ("/a/{x+}", "/{y}/b", "/a/b"),
        ("/a/{x+}", "/{y}/b/{z+}", "/a/b/{z+}"),
        ("/{x+}", "/a", "/a"),
        ("/a", "/b", None),
        ("/a", "/a/b", None),
        ("/a/{x+}", "/a", None),
    ],
)
def test_the_requests_that_two_paths_share(path: str, other: str, both: str | None) -> None:
    for pair in ((path, other), (other, path)):
        assert intersect_paths(*map(parse, pair)) == (None if both is None else parse(both))


def test_an_http_api_matches_path_and_method_and_a_rest_api_the_path_first() -> None:
    places = [("ANY", "/{x+}"), ("GET", "/a/{x}"), ("ANY", "/a/{x}"), ("POST", "/a/b")]
    routes = [DeployedRoute(path=parse(path), method=method) for method, path in places]
    routes.append(DeployedRoute(path=None, method="ANY"))
    for kind, method, path, expected in (
        ("http", "GET", "/a/b", "GET /a/{x}"),
        ("http", "PUT", "/a/b", "ANY /a/{x}"),
        ("http", "POST", "/a/b", "POST /a/b"),
        ("http", "GET", "/c", "ANY /{x+}"),
        ("http", "GET", "/", "$default"),
        ("rest", "GET", "/a/b", "None"),
        ("rest", "GET", "/a/c", "GET /a/{x}"),
        ("rest", "PUT", "/a/c", "ANY /a/{x}"),
    ):
        api = DeployedApi(name="api", kind="rest" if kind == "rest" else "http", routes=tuple(routes))
        assert str(api.choose(api.list_routes_for(parse(path)), method)) == expected
