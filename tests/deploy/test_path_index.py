"""Indexes of paths: they leave out no path that a comparison with all others would find."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from fastapi import Depends, FastAPI

from fastapi_cognito_guard import CognitoGuard, require_scope
from fastapi_cognito_guard.deploy.authorizer import policy
from fastapi_cognito_guard.deploy.authorizer.handler import lambda_authorizer
from fastapi_cognito_guard.deploy.drift.deployed import intersect_paths
from fastapi_cognito_guard.deploy.export import export
from fastapi_cognito_guard.deploy.path_index import PathIndex, PrefixIndex
from fastapi_cognito_guard.deploy.paths import GatewayPath, PathPattern, parse_path
from fastapi_cognito_guard.matrix import table
from fastapi_cognito_guard.matrix.doors import build_authorizers_validator
from fastapi_cognito_guard.testing import FakeUserPool


def list_paths() -> Iterator[GatewayPath]:
    """List all paths of up to three segments, of two texts and of variables."""
    for length in range(4):
        for first in product(["a", "b", "{x}"], repeat=length):
            yield first
            yield (*first, "{rest+}")


PATHS = list(list_paths())


def write_in_app(path: GatewayPath) -> PathPattern:
    return parse_path("/" + "/".join(path).replace("+}", ":path}"), keep_slash=False)


def test_an_index_leaves_out_no_path_with_a_request_in_common() -> None:
    patterns = [write_in_app(path) for path in PATHS]
    index = PathIndex(patterns, lambda each: each.gateway_path)
    for path in PATHS:
        near = index.find_near(path)
        assert near == [each for each in patterns if each in near], "in their order"
        missed = [each for each in patterns if each not in near]
        assert not any(each.overlaps(path) or each.covers(path) for each in missed)
        assert not any(intersect_paths(path, each.gateway_path) for each in missed)


def test_an_index_of_literal_starts_leaves_out_no_path_that_a_star_matches() -> None:
    index = PrefixIndex(PATHS, lambda path: path)
    for path in PATHS:
        near = index.find_near(path)
        assert near == [each for each in PATHS if each in near], "in their order"
        for other in PATHS:
            if other not in near:
                assert not policy._matches_path(path, other)
                assert not policy._matches_path(other, path)


def test_an_index_finds_only_what_may_match() -> None:
    paths = [("orders", str(number), "{id}") for number in range(100)]
    for index in (PathIndex(paths, lambda path: path), PrefixIndex(paths, lambda path: path)):
        assert index.find_near(("orders", "7", "{id}")) == [("orders", "7", "{id}")]


def build_app(count: int) -> FastAPI:
    app = FastAPI()
    for number in range(count):
        needed = require_scope(f"orders/{number % 3}")
        app.get(f"/part{number}/{{id}}", dependencies=[Depends(needed)])(lambda: None)
    CognitoGuard(FakeUserPool().user_pool()).install(app)
    return app


class Calls:
    """Count of the calls of a function."""

    def __init__(self, function: Any) -> None:
        self.count = 0
        self.function = function

    def __call__(self, *args: Any, **others: Any) -> Any:
        self.count += 1
        return self.function(*args, **others)


def test_twice_the_routes_take_about_twice_the_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    overlaps, matches = Calls(PathPattern.overlaps), Calls(policy._matches_operation)
    monkeypatch.setattr(PathPattern, "overlaps", lambda pattern, path: overlaps(pattern, path))
    monkeypatch.setattr(policy, "_matches_operation", matches)
    pool, counts = FakeUserPool(), []
    for size in (20, 40):
        app = build_app(size)
        overlaps.count = matches.count = 0
        export(app, "http", lambda_arn="arn:aws:lambda:eu-west-1:123456789012:function:api", beyond="app")
        handler = lambda_authorizer(CognitoGuard(pool.user_pool()), app=app)
        handler(
            {
                "type": "TOKEN",
                "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:abc/live/GET/part1/1",
                "authorizationToken": f"Bearer {pool.access_token(scopes=['orders/1'])}",
            },
            None,
        )
        counts.append(overlaps.count + matches.count)
    assert counts[1] < 2.2 * counts[0]


def test_a_matrix_builds_the_rules_of_a_gateway_once(monkeypatch: pytest.MonkeyPatch) -> None:
    builds = Calls(build_authorizers_validator)
    monkeypatch.setattr(table, "build_authorizers_validator", builds)
    matrix = table.build_matrix(build_app(4), door="rest")
    assert len(list(matrix.list_cells())) > 10
    assert builds.count == 1
