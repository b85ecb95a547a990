"""Answers of bytes, which a REST API sends as base64 text unless it has binary media types."""

import base64
import gzip
import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from fastapi_cognito_guard import CognitoGuard, lambda_handler
from fastapi_cognito_guard.testing import gateway_event
from tests.deploy.exports import POOL, USER, build_app, expect_error, export_document

BINARY = "x-amazon-apigateway-binary-media-types"


class Picture(Response):
    media_type = "image/png"


class GeoJson(JSONResponse):
    media_type = "application/geo+json"


class BrotliMiddleware:
    """Stands for any middleware that compresses."""


def list_noted(
    app: FastAPI, caplog: pytest.LogCaptureFixture, kind: str = "rest", **options: Any
) -> list[str]:
    """Return the parts of the app that the warning names."""
    caplog.clear()
    export_document(app, kind, **options)
    texts = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    return [
        text.partition("(")[2].partition(")")[0]
        for text in texts
        if text.startswith("The app answers with b")
    ]


def add(app: Any, path: str, endpoint: Callable[..., Any] | None = None, **more: Any) -> None:
    app.add_api_route(path, endpoint or (lambda: None), dependencies=[USER], **more)


def build_rest_app() -> FastAPI:
    return build_app({"GET /me": [USER]}, semantics="rest")


@pytest.mark.parametrize("types", [["*/*"], ("image/png", "application/octet-stream")])
def test_binary_media_types_are_in_the_document_of_a_rest_api(types: Any) -> None:
    assert export_document(build_rest_app(), "rest", binary_media_types=types)[BINARY] == [*types]
    assert BINARY not in export_document(build_rest_app(), "rest")


@pytest.mark.parametrize(
    "types", ["*/*", ["png"], ["image/png, image/gif"], [7], 7, None, ["image/"]], ids=str
)
def test_binary_media_types_that_are_none_are_refused(types: Any) -> None:
    error = expect_error(build_rest_app(), "rest", binary_media_types=types)
    assert error.setting == "binary_media_types"
    assert 'binary_media_types=["*/*"]' in str(error)


def test_binary_media_types_are_for_rest_apis_only() -> None:
    assert "drop it" in str(expect_error(build_rest_app(), "http", binary_media_types=["*/*"]))


@pytest.mark.parametrize("kind", [Picture, FileResponse, StreamingResponse, Response, GeoJson])
def test_a_class_of_response_that_is_no_text_is_a_warning(
    kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = build_rest_app()
    add(app, "/bytes/{n:int}", response_class=kind, methods=["GET", "HEAD", "PUT"])
    assert list_noted(app, caplog) == ["GET PUT /bytes/{n}"]
    assert list_noted(app, caplog, binary_media_types=["*/*"]) == list_noted(app, caplog, "http") == []
    assert list_noted(app, caplog, leave_out=["/bytes/*"]) == []


def read_file() -> FileResponse: ...  # type: ignore[empty-body]  # never called
def read_any() -> Response: ...  # type: ignore[empty-body]  # never called
def read_unknown() -> "Nowhere": ...  # type: ignore[name-defined]  # noqa: F821 - what is tested


def test_an_annotated_class_of_response_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    app = build_rest_app()
    add(app, "/file", read_file)
    add(app, "/any", read_any)
    assert list_noted(app, caplog) == ["GET /file"]


@pytest.mark.parametrize(
    "more",
    [{"response_class": JSONResponse}, {"response_class": HTMLResponse}, {"response_class": RedirectResponse},
     {"response_class": Response, "status_code": 204}, {"endpoint": read_unknown, "response_model": None}],
    ids=str,
)  # fmt: skip
def test_text_and_no_body_are_no_warning(more: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = build_rest_app()
    add(app, "/text", **more)
    assert list_noted(app, caplog) == []


@pytest.mark.parametrize("middleware", [GZipMiddleware, BrotliMiddleware])
def test_middleware_that_compresses_is_a_warning(middleware: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = build_rest_app()
    app.add_middleware(middleware)
    assert list_noted(app, caplog) == [middleware.__name__]
    outer = build_rest_app()
    inner = FastAPI(openapi_url=None)
    inner.add_middleware(middleware)
    outer.mount("/inner", inner)
    assert list_noted(outer, caplog) == [middleware.__name__]


def test_mounts_and_included_routers_are_searched(caplog: pytest.LogCaptureFixture) -> None:
    app = build_rest_app()
    app.mount("/static", StaticFiles(directory="."))
    inner = FastAPI(openapi_url=None)
    add(inner, "/picture", response_class=Picture)
    app.mount("/inner", inner)
    router = APIRouter(prefix="/v2")
    add(router, "/{name}", response_class=FileResponse)
    app.include_router(router)
    assert list_noted(app, caplog) == ["mount /static, GET /inner/picture, GET /v2/{name}"]
    assert list_noted(app, caplog, leave_out=["/static", "/static/*", "/v2/*"]) == ["GET /inner/picture"]


def test_the_icon_of_the_docs_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    CognitoGuard(POOL, semantics="rest").install(app)
    assert any(getattr(route, "path", None) == "/docs/assets" for route in app.routes)
    assert list_noted(app, caplog) == []


def test_what_the_handler_sends_for_bytes_is_base64() -> None:
    """Which a REST API decodes only for its binary media types."""
    app = FastAPI()
    app.add_middleware(GZipMiddleware, minimum_size=10)
    app.get("/text")(lambda: "x" * 100)
    event = gateway_event("rest", path="/text", headers={"accept-encoding": "gzip"})
    answer = lambda_handler(app)(event, None)
    assert (answer["isBase64Encoded"], answer["headers"]["content-encoding"]) == (True, "gzip")
    assert gzip.decompress(base64.b64decode(answer["body"])) == b'"' + b"x" * 100 + b'"'
    plain = lambda_handler(app)(gateway_event("rest", path="/text"), None)
    assert (plain["isBase64Encoded"], plain["body"]) == (False, '"' + "x" * 100 + '"')
