"""Access in words: one paragraph at the end of the description of each guarded operation."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyHeader
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from openapi_spec_validator import validate

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    IamCaller,
    OptionalUser,
    Principal,
    lambda_handler,
    optional_user,
    require,
    require_actor,
    require_claim,
    require_direct,
    require_group,
    require_level,
    require_pool,
    require_scope,
)
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import build_app, client_of, guard_for
from tests.deploy.exports import ADMINS as ADMIN_ROUTE
from tests.deploy.exports import KINDS, export_document
from tests.deploy.exports import build_app as build_exported_app
from tests.pages import run_code

Object = dict[str, Any]
ROOT = Path(__file__).parents[2]
START = "**Access**: "
ANYBODY_OPTIONAL = "anybody; a token is optional"
THREE = "urn:cognito:loa:3"


def is_owner(user: Principal) -> bool:
    raise AssertionError(user)


OWNER = require(is_owner, name="owner")
ADMINS = require_group("admins")


def describe(guard: CognitoGuard, *requirements: Requirement, path: str = "/") -> str | None:
    """Return the description of a route with these requirements and no words of its own."""
    app = FastAPI()
    guard.install(app)

    @app.get(path, dependencies=[Depends(cast(Callable[..., Any], each)) for each in requirements])
    async def endpoint() -> None: ...

    return read_description(app, path)


def read_description(app: FastAPI, path: str, method: str = "get") -> str | None:
    operation: Object = app.openapi()["paths"][path][method]
    return operation.get("description")


WORDS: list[tuple[tuple[Requirement, ...], str]] = [
    ((require_scope("a"),), "a signed-in user or a client, with scope `a`"),
    ((require_scope("a", "b"),), "a signed-in user or a client, with scope `a` or `b`"),
    (
        (require_scope("a"), require_scope("b")),
        "a signed-in user or a client, with scope `a`, and with scope `b`",
    ),
    ((ADMINS,), "a signed-in user in group `admins`"),
    (
        (require_scope("a", "b"), require_group("x", "y")),
        "a signed-in user with scope `a` or `b`, and in group `x` or `y`",
    ),
    (
        (require_claim("custom:tier", "gold", 3, True),),
        "a signed-in user or a client, with `gold` or `3` or `true` in the claim `custom:tier`",
    ),
    ((require_level(THREE),), f"a signed-in user with level `{THREE}` or higher"),
    (
        (require_level(THREE, max_age=300),),
        f"a signed-in user with level `{THREE}` or higher from a sign-in at most 300 s ago",
    ),
    ((require_actor("s", "t"),), "a signed-in user or a client, with `s` or `t` acting for them"),
    ((require_direct(),), "a signed-in user or a client, with nobody acting for them"),
    (
        (require_pool("eu-west-1_Abc123Xyz"),),
        "a signed-in user or a client, of user pool `eu-west-1_Abc123Xyz`",
    ),
    ((OWNER,), "a signed-in user or a client, passing the app's own check `owner`"),
    (
        (ADMINS | require_scope("b", "c"),),
        "a signed-in user or a client, either in group `admins`, or with scope `b` or `c`",
    ),
    (
        (ADMINS | require_scope("b"), OWNER),
        "a signed-in user or a client, either in group `admins`, or with scope `b`; "
        "and passing the app's own check `owner`",
    ),
    (
        (ADMINS | require_level(THREE),),
        f"a signed-in user either in group `admins`, or with level `{THREE}` or higher",
    ),
]


@pytest.mark.parametrize(("requirements", "words"), WORDS, ids=[words for _, words in WORDS])
def test_each_kind_of_requirement_is_said_in_words(
    pool: FakeUserPool, requirements: tuple[Requirement, ...], words: str
) -> None:
    assert describe(guard_for(pool), *requirements) == f"{START}{words}."


def test_the_page_shows_the_words_as_they_are(pool: FakeUserPool) -> None:
    section = (ROOT / "docs/protecting.md").read_text().split("## Who may call, in words\n")[1]
    section = section.split("\n## ")[0]
    rows = re.findall(r"^\| `(require.*)` \| (.*) \|$", section, re.MULTILINE)
    assert len(rows) == 8
    for written, words in rows:
        requirements = eval(f"[{written}]", dict(globals()))
        assert describe(guard_for(pool), *requirements) == f"{START}{words}."
    app = run_code("protecting.md", "Who may call, in words")["app"]
    quoted = "\n".join(re.findall(r"^> ?(.*)$", section, re.MULTILINE))
    assert read_description(app, "/orders/{order_id}", "delete") == quoted


PATHS = {
    "/public": None,
    "/me": "a signed-in user or a client",
    "/optional": ANYBODY_OPTIONAL,
    "/all-scopes": "a signed-in user or a client, with scope `orders/read`, and with scope `orders/write`",
}


@pytest.mark.parametrize("path", PATHS)
def test_an_open_route_has_no_words_and_a_guarded_one_does(pool: FakeUserPool, path: str) -> None:
    words = PATHS[path]
    expected = None if words is None else f"{START}{words}."
    assert read_description(build_app(guard_for(pool)), path) == expected


def test_with_deny_by_default_each_route_that_is_not_public_has_words(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool, deny_by_default=True, public=["/orders"]))
    for path in ("/public", "/optional", "/orders"):
        assert read_description(app, path) == f"{START}a signed-in user or a client."
    app = build_app(guard_for(pool, deny_by_default=True, public=["/public", "/optional"]))
    assert read_description(app, "/public") is None
    assert read_description(app, "/optional") == f"{START}{ANYBODY_OPTIONAL}."


SCOPE, EITHER = require_scope("a"), ADMINS | require_scope("a")
TOKENS: list[tuple[Object, tuple[Requirement, ...], str]] = [
    ({"semantics": "rest"}, (), "a signed-in user with an ID token"),
    ({"semantics": "rest"}, (ADMINS,), "a signed-in user with an ID token, and in group `admins`"),
    (
        {"semantics": "rest"},
        (SCOPE,),
        "a signed-in user or a client, with an access token, and with scope `a`",
    ),
    (
        {"semantics": "rest"},
        (EITHER,),
        "a signed-in user or a client, either in group `admins`, or with scope `a`",
    ),
    ({"user_pool": {"token_use": {"id"}}}, (), "a signed-in user with an ID token"),
    ({"user_pool": {"token_use": {"id", "access"}}}, (), "a signed-in user or a client"),
    (
        {"user_pool": {"token_use": {"id", "access"}}},
        (SCOPE,),
        "a signed-in user or a client, with an access token, and with scope `a`",
    ),
    (
        {"user_pool": {"token_use": {"id"}}, "semantics": "http"},
        (SCOPE,),
        "a signed-in user or a client, with scope `a`",
    ),
]


@pytest.mark.parametrize(("setting", "requirements", "words"), TOKENS, ids=[str(each) for each in TOKENS])
def test_the_type_of_token_is_named_where_another_one_is_likely(
    pool: FakeUserPool, setting: Object, requirements: tuple[Requirement, ...], words: str
) -> None:
    app = FastAPI()
    guard_for(pool, **setting).install(app)
    dependencies = [Depends(cast(Callable[..., Any], each)) for each in requirements]

    @app.get("/", dependencies=dependencies)
    async def endpoint(user: CurrentUser) -> str:
        return user.token_use

    assert read_description(app, "/") == f"{START}{words}."
    token = pool.id_token("ada") if "with an ID token" in words else pool.access_token("ada", scopes=["a"])
    answer = client_of(app).get("/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == (403 if "admins" in words and "either" not in words else 200)


def test_with_rest_a_route_that_only_its_path_guards_takes_both_types(pool: FakeUserPool) -> None:
    words = f"{START}a signed-in user or a client."
    assert describe(guard_for(pool, semantics="rest", deny_by_default=True)) == words


def test_a_directory_may_name_pools_with_other_types_of_token(pool: FakeUserPool) -> None:
    async def find_pool(issuer: str) -> None: ...

    guard = CognitoGuard(pool.user_pool(token_use={"id"}), pools=find_pool)
    assert describe(guard, require_direct()) == (
        f"{START}a signed-in user or a client, with nobody acting for them."
    )


def test_an_optional_user_must_still_meet_what_is_said(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)

    @app.get("/scoped", dependencies=[Security(optional_user, scopes=["a"])])
    async def scoped() -> None: ...

    assert read_description(app, "/scoped") == (
        f"{START}{ANYBODY_OPTIONAL}. If one is sent: a signed-in user or a client, with scope `a`."
    )
    token = pool.access_token("ada", scopes=["b"])
    client = client_of(app)
    assert client.get("/scoped").status_code == 200
    assert client.get("/scoped", headers={"Authorization": f"Bearer {token}"}).status_code == 403


@pytest.mark.parametrize("deny_by_default", [False, True])
def test_callers_with_aws_credentials_are_said_apart_from_users(
    pool: FakeUserPool, deny_by_default: bool
) -> None:
    app = FastAPI()
    guard_for(pool, deny_by_default=deny_by_default).install(app)

    @app.get("/iam")
    async def iam(caller: IamCaller) -> None: ...

    @app.get("/both", dependencies=[Depends(require_scope("a"))])
    async def both(caller: IamCaller) -> None: ...

    @app.get("/optional")
    async def optional(caller: IamCaller, user: OptionalUser) -> None: ...

    signs = f"{START}a caller who signs the request with AWS credentials (IAM)"
    assert read_description(app, "/iam") == f"{signs}."
    assert read_description(app, "/both") == (
        f"{signs} and sends a token of a signed-in user or a client, with scope `a`."
    )
    assert read_description(app, "/optional") == f"{signs}; a token is optional."
    for path, status in {"/iam": 200, "/both": 403, "/optional": 200}.items():
        event = pool.event("http", None, path=path)
        event["requestContext"]["authorizer"] = {"iam": {"userArn": "arn:aws:iam::123456789012:user/ops"}}
        assert lambda_handler(app)(event, None)["statusCode"] == status


def test_a_route_that_asks_for_another_key_is_not_said_to_be_open_to_anybody(pool: FakeUserPool) -> None:
    app = FastAPI(dependencies=[Security(APIKeyHeader(name="x-key"))])
    guard_for(pool).install(app)

    @app.get("/optional")
    async def optional(user: OptionalUser) -> None: ...

    @app.get("/me")
    async def me(user: CurrentUser) -> None: ...

    others = "Other credentials that it asks for are not described here."
    assert read_description(app, "/optional") == f"{START}a token is optional. {others}"
    assert read_description(app, "/me") == f"{START}a signed-in user or a client. {others}"


# Names


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("`", "`\\u{60}`"),
        ("a`` **b**", "`a\\u{60}\\u{60} **b**`"),
        ("<img src=x onerror=alert(1)>", "`\\u{3c}img src=x onerror=alert(1)\\u{3e}`"),
        ("a\n\n# b", "`a\\u{a}\\u{a}# b`"),
        ("a\u2028\u202e\x00b", "`a\\u{2028}\\u{202e}\\u{0}b`"),
        ("", '`""`'),
        (" ", '`" "`'),
        ("[a](https://evil.example)", "`[a](https://evil.example)`"),
        ("ORG\\", "`ORG\\`"),
        ("{names}", "`{names}`"),
        ("Prüfer 検査", "`Prüfer 検査`"),
    ],
)
def test_a_name_is_code_and_nothing_else(pool: FakeUserPool, name: str, code: str) -> None:
    assert describe(guard_for(pool), require_claim("c", name)) == (
        f"{START}a signed-in user or a client, with {code} in the claim `c`."
    )


SCOPES = st.from_regex(r"[\x21\x23-\x5B\x5D-\x7E]+", fullmatch=True)
GROUPS = st.from_regex(
    r"\S(?:[^\x00-\x1f\x7f]{0,20}\S)?", fullmatch=True, alphabet=st.characters(codec="utf-8")
)
MARKDOWN = st.text(st.sampled_from("`*_<>[]()!#&|\\\n\r\t ~-=:\u2028\u202ea1"), max_size=20)
CHECKS = st.text(min_size=1, max_size=20).filter(lambda name: bool(name.isprintable() and name.strip()))


def list_of(names: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(names, min_size=1, max_size=3)


SINGLE = st.one_of(
    list_of(SCOPES).map(lambda names: require_scope(*names)),
    list_of(GROUPS).map(lambda names: require_group(*names)),
    list_of(SCOPES).map(lambda names: require_actor(*names)),
    list_of(SCOPES).map(lambda names: require_pool(*names)),
    st.builds(require_level, SCOPES, max_age=st.none() | st.integers(1, 10**9)),
    st.tuples(st.text(min_size=1) | MARKDOWN.filter(bool), list_of(st.text() | MARKDOWN)).map(
        lambda drawn: require_claim(drawn[0], *drawn[1])
    ),
    CHECKS.map(lambda name: require(is_owner, name=name)),
)
REQUIREMENTS = st.lists(
    st.one_of(SINGLE, st.tuples(SINGLE, SINGLE).map(lambda drawn: drawn[0] | drawn[1])),
    min_size=1,
    max_size=4,
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(requirements=[require_claim("```", "\n\n<script>alert(1)</script>\n\n", "")])
@given(requirements=REQUIREMENTS)
def test_any_names_are_one_paragraph_of_a_valid_document(
    pool: FakeUserPool, requirements: list[Requirement]
) -> None:
    app = FastAPI()
    guard_for(pool).install(app)
    dependencies = [Depends(cast(Callable[..., Any], each)) for each in requirements]

    @app.get("/", dependencies=dependencies, description="Reads\n\n- all")
    async def endpoint() -> None: ...

    validate(app.openapi())
    description = read_description(app, "/") or ""
    paragraph = description.removeprefix("Reads\n\n- all\n\n")
    assert paragraph != description
    assert paragraph.isprintable()  # so that it is one line
    *_, opened, inline, closed = MarkdownIt("commonmark").parse(description)
    assert (opened.type, opened.level, closed.type) == ("paragraph_open", 0, "paragraph_close")
    kinds = [child.type for child in inline.children or ()]
    assert kinds[:4] == ["text", "strong_open", "text", "strong_close"]
    assert set(kinds[4:]) <= {"text", "code_inline"}
    names = [name for each in dict.fromkeys(requirements) for name in list_names(each)]
    assert kinds.count("code_inline") == len(names)


def list_names(requirement: Requirement) -> list[str]:
    """Return all names that the words hold, as often as they do."""
    single = requirement.alternatives or (requirement,)
    return [name for each in single for name in ([each.claim] if each.claim else []) + [*each.any_of]]


# Documents


def test_words_of_the_app_stay_as_they_are_before_the_paragraph(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)

    @app.get("/docstring", summary="Short")
    async def docstring(user: CurrentUser) -> None:
        """Read it.

        - with a list
        """

    @app.get("/text", description="Mine", openapi_extra={"x-own": 1})
    async def text(user: CurrentUser) -> None: ...

    paragraph = f"{START}a signed-in user or a client."
    for _ in range(2):
        assert read_description(app, "/docstring") == f"Read it.\n\n- with a list\n\n{paragraph}"
        assert read_description(app, "/text") == f"Mine\n\n{paragraph}"
        assert app.openapi()["paths"]["/docstring"]["get"]["summary"] == "Short"
        app.openapi_schema = None  # and the next document is built from the same routes


def without_descriptions(document: Object) -> Object:
    for methods in document["paths"].values():
        for operation in methods.values():
            operation.pop("description", None)
    return document


def test_switched_off_the_document_has_no_words_and_is_the_same_otherwise(pool: FakeUserPool) -> None:
    off = build_app(guard_for(pool, describe_access=False)).openapi()
    on = build_app(guard_for(pool)).openapi()
    assert START not in str(off)
    assert START in str(on)
    assert without_descriptions(on) == off


def test_a_document_that_is_extended_again_has_the_words_once(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    extended = app.openapi

    def custom() -> Object:
        document = extended()
        for methods in document["paths"].values():
            for operation in methods.values():
                operation.pop("security", None)
        return {**document}

    app.__dict__["openapi"] = custom
    client = client_of(app)
    for _ in range(2):
        operation = client.get("/openapi.json").json()["paths"]["/group"]["get"]
        assert operation["description"] == f"{START}a signed-in user in group `admins` or `owners`."
        assert operation["security"] == [{"Cognito": []}]


def test_a_document_of_the_apps_own_making_has_words_after_its_own(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))

    def custom() -> Object:
        document = get_openapi(title="Mine", version="1", routes=app.routes)
        document["paths"]["/me"]["get"]["description"] = "Who am I?"
        document["paths"]["/group"]["get"]["description"] = None
        return document

    app.__dict__["openapi"] = custom
    client_of(app).get("/openapi.json")
    assert read_description(app, "/me") == f"Who am I?\n\n{START}a signed-in user or a client."
    assert read_description(app, "/group") == f"{START}a signed-in user in group `admins` or `owners`."


def test_webhooks_and_callbacks_which_the_app_calls_itself_have_no_words(pool: FakeUserPool) -> None:
    callbacks = APIRouter()

    @callbacks.get("/me")
    async def called_back(user: CurrentUser) -> None: ...

    app = FastAPI()
    guard_for(pool, deny_by_default=True).install(app)

    @app.get("/me", callbacks=callbacks.routes)
    async def me(user: CurrentUser) -> None: ...

    @app.webhooks.get("/me")
    async def notified(user: CurrentUser) -> None: ...

    document = app.openapi()
    operation = document["paths"]["/me"]["get"]
    assert operation.pop("description").startswith(START)
    assert operation["callbacks"]["called_back"]["/me"]["get"]
    assert document["webhooks"]["/me"]["get"]
    assert START not in str(document)


def test_a_hidden_route_lends_no_words_to_the_one_that_is_shown(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)

    @app.get("/", include_in_schema=False)
    async def hidden(user: CurrentUser) -> None: ...

    @app.post("/")
    async def shown() -> None: ...

    assert START not in str(app.openapi())


def test_a_mounted_app_has_words_in_its_own_document(pool: FakeUserPool) -> None:
    inner = FastAPI()

    @inner.get("/me")
    async def me(user: CurrentUser) -> None: ...

    @inner.get("/open")
    async def opened() -> None: ...

    app = FastAPI()
    guard_for(pool, deny_by_default=True, public=["/inner/openapi.json", "/inner/open"]).install(app)
    app.mount("/inner", inner)
    paths = client_of(app).get("/inner/openapi.json").json()["paths"]
    assert paths["/me"]["get"]["description"] == f"{START}a signed-in user or a client."
    assert "description" not in paths["/open"]["get"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_exported_definition_is_the_same_with_and_without_words(kind: str) -> None:
    with_words, without = (
        export_document(build_exported_app({"GET /": [ADMIN_ROUTE]}, describe_access=words), kind)
        for words in (True, False)
    )
    assert with_words == without
    assert START not in str(with_words)
