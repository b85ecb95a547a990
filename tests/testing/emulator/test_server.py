"""HTTP endpoints of the local pool: sign-ins, tokens, and each error."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.testing import Directory, LocalClient, LocalPool, LocalUser, local_pool
from fastapi_cognito_guard.testing.emulator.local_only import LocalOnly, list_origins
from fastapi_cognito_guard.testing.emulator.sign_in_page import render_sign_in_page
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import NOW, bearer
from tests.browsers import (
    REDIRECT_URI,
    VERIFIER,
    build_authorize_query,
    build_token_form,
    make_challenge,
    read_hidden_fields,
    read_redirect,
)

DIRECTORY = Directory(
    users=(
        LocalUser(
            username="ada", groups=("admins",), email="ada@example.org", claims={"custom:tier": "gold"}
        ),
        LocalUser(username="bob", suppressed_scopes=("orders/write",), access_claims={"teams": [1]}),
        LocalUser(username='<b>"eve"</b>', password="correct horse"),
    ),
    clients=(
        *(
            replace(each, callback_urls=tuple(url for url in each.callback_urls if "*" not in url))
            for each in Directory().clients
        ),
        LocalClient(id="web", secret="s3cret", callback_urls=("https://web.example.com/back?a=1",)),
        LocalClient(id="odd", secret="100% sure+:/é"),
        LocalClient(id="app", callback_urls=("app://back",), logout_urls=("app://bye",)),
    ),
)
MACHINE = ("local-machine", "local-secret")
ODD_MACHINE = ("odd", "100% sure+:/é")
WEB = "http://127.0.0.1:8000"


class Clock:
    """Clock of the pool, which tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def local(clock: Clock) -> Iterator[LocalPool]:
    with local_pool(DIRECTORY, now=clock) as local:
        yield local


@pytest.fixture(scope="module")
def client(local: LocalPool) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=local.address, trust_env=False, timeout=10) as client:
        yield client


def submit(client: httpx.Client, **changes: str | None) -> httpx.Response:
    """Submit the sign-in form, by default as ada."""
    return client.post("/login", data=build_authorize_query(**{"username": "ada", **changes}))


def get_code(client: httpx.Client, **changes: str | None) -> str:
    return read_redirect(submit(client, **changes).headers["location"])["code"]


def get_tokens(client: httpx.Client, **changes: str | None) -> dict[str, Any]:
    response = client.post("/oauth2/token", data=build_token_form(get_code(client, **changes)))
    tokens: dict[str, Any] = response.raise_for_status().json()
    return tokens


def read_error(response: httpx.Response) -> tuple[int, Any]:
    assert response.headers["content-type"] == "application/json"
    return response.status_code, response.json()["error"]


def test_a_browser_signs_in_from_the_form_to_tokens(client: httpx.Client, local: LocalPool) -> None:
    page = client.get("/oauth2/authorize", params=build_authorize_query())
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert read_hidden_fields(page.text) == build_authorize_query()
    sent = client.post("/login", data={**read_hidden_fields(page.text), "username": "ada"})
    assert (sent.status_code, sent.headers["location"].startswith(REDIRECT_URI + "?")) == (303, True)
    back = read_redirect(sent.headers["location"])
    assert back == {"code": back["code"], "state": "a&b=c"}
    response = client.post("/oauth2/token", data=build_token_form(back["code"]))
    assert (response.headers["cache-control"], response.headers["pragma"]) == ("no-store", "no-cache")
    tokens = response.json()
    assert tokens.keys() == {"access_token", "id_token", "refresh_token", "expires_in", "token_type"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)
    access, identity = unverified_claims(tokens["access_token"]), unverified_claims(tokens["id_token"])
    assert (access["username"], access["scope"]) == ("ada", "openid orders/read")
    assert (access["client_id"], access["cognito:groups"]) == ("local-docs", ["admins"])
    assert (identity["nonce"], identity["email"], identity["custom:tier"]) == (
        "n-1",
        "ada@example.org",
        "gold",
    )


@pytest.mark.anyio
async def test_a_guard_accepts_its_tokens_and_finds_its_keys_by_the_issuer(
    client: httpx.Client, local: LocalPool, clock: Clock
) -> None:
    guard = CognitoGuard(local.user_pool(), now=clock)
    user = await guard.verify(get_tokens(client)["access_token"])
    assert (user.username, user.groups) == ("ada", frozenset({"admins"}))
    assert user.scopes == {"openid", "orders/read"}


def test_without_requested_scopes_a_token_has_all_but_the_suppressed_ones(client: httpx.Client) -> None:
    access = unverified_claims(get_tokens(client, username="bob", scope=None)["access_token"])
    assert (access["scope"], access["teams"]) == ("openid email profile orders/read", [1])


def test_there_is_no_id_token_without_openid(client: httpx.Client) -> None:
    tokens = get_tokens(client, scope="orders/read")
    assert "id_token" not in tokens
    again = client.post(
        "/oauth2/token",
        data={
            "grant_type": "refresh_token",
            "refresh_token": tokens["refresh_token"],
            "client_id": "local-docs",
        },
    )
    assert "id_token" not in again.json()


def test_a_refresh_keeps_the_sign_in_and_renews_times_and_ids(client: httpx.Client, clock: Clock) -> None:
    first = get_tokens(client)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "client_id": "local-docs"}
    clock.now += 1800
    again = client.post("/oauth2/token", data=form).json()
    assert again.keys() == {"access_token", "id_token", "expires_in", "token_type"}
    for name in ("access_token", "id_token"):
        old, new = unverified_claims(first[name]), unverified_claims(again[name])
        assert (new["auth_time"], new["origin_jti"]) == (old["auth_time"], old["origin_jti"])
        assert (new["iat"], new["exp"]) == (old["iat"] + 1800, old["exp"] + 1800)
        assert new["jti"] != old["jti"]
    for other in ({"client_id": "app"}, {"refresh_token": "made up"}, {"refresh_token": ""}):
        assert read_error(client.post("/oauth2/token", data={**form, **other})) == (400, "invalid_grant")
    assert client.post("/oauth2/revoke", data={**form, "token": form["refresh_token"]}).status_code == 200
    assert read_error(client.post("/oauth2/token", data=form)) == (400, "invalid_grant")


def test_a_code_works_once(client: httpx.Client) -> None:
    code = get_code(client)
    assert client.post("/oauth2/token", data=build_token_form(code)).status_code == 200
    assert read_error(client.post("/oauth2/token", data=build_token_form(code))) == (400, "invalid_grant")


def test_a_code_expires_after_five_minutes(client: httpx.Client, clock: Clock) -> None:
    code = get_code(client)
    clock.now += 299
    kept = get_code(client)
    clock.now += 1
    assert read_error(client.post("/oauth2/token", data=build_token_form(code))) == (400, "invalid_grant")
    get_code(client)  # drops expired codes, and no others
    assert client.post("/oauth2/token", data=build_token_form(kept)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"code": "made up"},
        {"code": ""},
        {"code_verifier": "w" * 64},
        {"code_verifier": make_challenge(VERIFIER)},
        {"code_verifier": "é" * 64},
        {"code_verifier": ""},
        {"redirect_uri": REDIRECT_URI + "/"},
        {"redirect_uri": ""},
        {"client_id": "app"},
    ],
    ids=str,
)
def test_a_code_is_bound_to_client_redirect_uri_and_verifier(
    client: httpx.Client, change: dict[str, str]
) -> None:
    form = {**build_token_form(get_code(client)), **change}
    assert read_error(client.post("/oauth2/token", data=form)) == (400, "invalid_grant")
    assert read_error(client.post("/oauth2/token", data={**form, **build_token_form(form["code"])}))[0] == 400


def test_a_client_with_a_secret_needs_no_pkce_but_may_not_send_a_verifier_alone(client: httpx.Client) -> None:
    back = "https://web.example.com/back?a=1"
    request: dict[str, str | None] = {"client_id": "web", "redirect_uri": back, "scope": "openid"}
    request |= {"code_challenge": None, "code_challenge_method": None}
    answer = read_redirect(submit(client, **request).headers["location"])
    assert answer == {"a": "1", "state": "a&b=c", "code": answer["code"]}
    form = {"grant_type": "authorization_code", "redirect_uri": back}
    forged = {**form, "code": get_code(client, **request), "code_verifier": VERIFIER}
    assert read_error(client.post("/oauth2/token", data=forged, auth=("web", "s3cret"))) == (
        400,
        "invalid_grant",
    )
    # A parameter without a value counts as absent (RFC 6749 section 3.1).
    good = {**form, "code": get_code(client, **{**request, "code_challenge": ""})}
    assert read_error(client.post("/oauth2/token", data={**good, "client_id": "web"})) == (
        400,
        "invalid_client",
    )
    # A failed client authentication does not use up the code.
    assert client.post("/oauth2/token", data=good, auth=("web", "s3cret")).status_code == 200


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": "orders/delete"}, "invalid_scope"),
        ({"scope": "openid orders/read x"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
    ],
    ids=str,
)
def test_an_invalid_authorization_request_is_redirected_with_the_error(
    client: httpx.Client, change: dict[str, str | None], error: str
) -> None:
    for response in (
        client.get("/oauth2/authorize", params=build_authorize_query(**change)),
        submit(client, **change),
    ):
        assert response.status_code == 303
        answer = read_redirect(response.headers["location"])
        assert (answer["error"], answer["state"], "code" in answer) == (error, "a&b=c", False)


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"client_id": "local-machine"},
        {"redirect_uri": None},
        {"redirect_uri": REDIRECT_URI + "/"},
        {"redirect_uri": REDIRECT_URI + "?x=1"},
        {"redirect_uri": REDIRECT_URI.upper()},
        {"redirect_uri": "https://evil.example.com"},
        {"redirect_uri": "app://back"},
    ],
    ids=str,
)
def test_an_unregistered_client_or_redirect_uri_is_never_redirected_to(
    client: httpx.Client, change: dict[str, str | None]
) -> None:
    for response in (
        client.get("/oauth2/authorize", params=build_authorize_query(**change)),
        client.get("/login", params=build_authorize_query(**change)),
        submit(client, **change),
    ):
        assert (response.status_code, "location" in response.headers) == (400, False)
        assert 'role="alert"' in response.text


def test_a_user_with_a_password_has_to_give_it(client: httpx.Client) -> None:
    eve = '<b>"eve"</b>'
    page = client.get("/oauth2/authorize", params=build_authorize_query(login_hint=eve)).text
    assert 'type="password"' in page
    assert eve not in page
    assert 'value="&lt;b&gt;&quot;eve&quot;&lt;/b&gt;" required checked' in page
    for username, password in ((eve, "wrong"), (eve, ""), (eve, "é"), ("nobody", ""), ("", "")):
        again = submit(client, username=username, password=password)
        assert (again.status_code, "Incorrect username or password." in again.text) == (400, True)
        assert read_hidden_fields(again.text) == build_authorize_query()
    assert submit(client, username=eve, password="correct horse").status_code == 303
    assert submit(client, password="whatever").status_code == 303


def test_the_form_is_accessible_and_escapes_its_values(client: httpx.Client) -> None:
    response = client.get(
        "/oauth2/authorize", params=build_authorize_query(state='"><script>alert(1)</script>')
    )
    assert "<script" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]
    for needed in ('<html lang="en">', "<title>", "<main>", "<h1>", "<legend>", "<label", "viewport"):
        assert needed in response.text


def test_the_form_names_the_scopes_that_a_user_does_not_get() -> None:
    users = [LocalUser(username="bob", groups=("staff",), suppressed_scopes=("a/b", "<c>"))]
    page = render_sign_in_page(client="web", users=users, chosen=None, hidden={})
    assert "in staff, without a/b, &lt;c&gt;" in page


def test_a_machine_gets_the_requested_scopes(client: httpx.Client) -> None:
    form = {"grant_type": "client_credentials"}
    response = client.post("/oauth2/token", data=form, auth=MACHINE)
    assert response.json().keys() == {"access_token", "expires_in", "token_type"}
    claims = unverified_claims(response.json()["access_token"])
    assert (claims["sub"], claims["scope"]) == ("local-machine", "orders/read orders/write")
    in_body = {**form, "client_id": MACHINE[0], "client_secret": MACHINE[1], "scope": "orders/read"}
    token = client.post("/oauth2/token", data=in_body).json()["access_token"]
    assert unverified_claims(token)["scope"] == "orders/read"


FORM = "application/x-www-form-urlencoded"
GRANT = "grant_type=client_credentials"
BASIC = b64encode(":".join(MACHINE).encode()).decode()
VALID = f"{GRANT}&client_id=local-machine&client_secret=local-secret&a="


@pytest.mark.parametrize(
    ("body", "headers", "error"),
    [
        (GRANT, {}, "invalid_client"),
        (f"{GRANT}&client_id=local-machine", {}, "invalid_client"),
        (f"{GRANT}&client_id=local-machine&client_secret=wrong", {}, "invalid_client"),
        (f"{GRANT}&client_id=local-docs&client_secret=x", {}, "invalid_client"),
        (f"{GRANT}&client_id=web", {"Authorization": "basic"}, "invalid_client"),
        (f"{GRANT}&client_id=web", {"Authorization": "Basic %%%"}, "invalid_client"),
        (f"{GRANT}&client_id=web", {"Authorization": "Basic /w=="}, "invalid_client"),
        (GRANT, {"Authorization": f"Basic %{BASIC}"}, "invalid_client"),
        (GRANT, {"Authorization": "Bearer x"}, "invalid_client"),
        (f"{GRANT}&client_id=local-docs", {}, "unauthorized_client"),
        (f"{GRANT}&client_id=local-machine&client_secret=local-secret&scope=openid", {}, "invalid_scope"),
        ("grant_type=password", {}, "unsupported_grant_type"),
        ("client_id=local-docs", {}, "invalid_request"),
        ("", {}, "invalid_request"),
        (f"{GRANT}&{GRANT}", {}, "invalid_request"),
        ("é".encode(), {}, "invalid_request"),
        (f"{VALID}&scope=&scope=orders/read", {}, "invalid_request"),
        (VALID + "".join(f"&a{n}=1" for n in range(50)), {}, "invalid_request"),
        (VALID.ljust(16 * 1024 + 1, "x"), {}, "invalid_request"),
        (GRANT, {"Content-Type": "application/json"}, "invalid_request"),
        (GRANT, {"Content-Type": ""}, "invalid_request"),
    ],
)
def test_an_invalid_token_request_is_400_with_the_error(
    client: httpx.Client, body: str | bytes, headers: dict[str, str], error: str
) -> None:
    response = client.post("/oauth2/token", content=body, headers={"Content-Type": FORM, **headers})
    assert read_error(response) == (400, error)
    assert response.headers["cache-control"] == "no-store"


def test_a_token_request_may_have_50_fields_and_16_kib(client: httpx.Client) -> None:
    for body in (VALID + "".join(f"&a{n}=1" for n in range(46)), VALID.ljust(16 * 1024, "x")):
        response = client.post("/oauth2/token", content=body, headers={"Content-Type": FORM})
        assert response.status_code == 200


def test_different_clients_in_header_and_body_are_invalid_client(client: httpx.Client) -> None:
    form = {"grant_type": "client_credentials", "client_id": "local-docs"}
    assert read_error(client.post("/oauth2/token", data=form, auth=MACHINE)) == (400, "invalid_client")


@pytest.mark.parametrize("encode", [quote_plus, lambda text: text.replace("-", "%2D"), str])
def test_basic_credentials_are_read_form_encoded_and_raw(
    client: httpx.Client, encode: Callable[[str], str]
) -> None:
    form = {"grant_type": "client_credentials"}
    for client_id, secret in (MACHINE, ODD_MACHINE):
        credentials = b64encode(f"{encode(client_id)}:{encode(secret)}".encode()).decode()
        response = client.post("/oauth2/token", data=form, headers={"Authorization": f"Basic {credentials}"})
        assert unverified_claims(response.json()["access_token"])["client_id"] == client_id


def test_decoding_basic_credentials_opens_no_other_client(client: httpx.Client) -> None:
    for pair in (
        "local-machine:local%252Dsecret",
        "local-machine:local%2Dsecret2",
        "odd:100%25%20sure%ff",
        "web:",
    ):
        headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        response = client.post("/oauth2/token", data={"grant_type": "client_credentials"}, headers=headers)
        assert read_error(response) == (400, "invalid_client")


RESOURCE = "https://api.example.com/shop"


def get_audience(client: httpx.Client, form: dict[str, str]) -> Any:
    response = client.post("/oauth2/token", data=form)
    return unverified_claims(response.raise_for_status().json()["access_token"]).get("aud")


def test_a_resource_of_the_sign_in_is_the_audience_of_the_access_token_also_after_a_refresh(
    client: httpx.Client,
) -> None:
    page = client.get("/oauth2/authorize", params=build_authorize_query(resource=RESOURCE))
    assert read_hidden_fields(page.text)["resource"] == RESOURCE
    tokens = get_tokens(client, resource=RESOURCE)
    assert unverified_claims(tokens["access_token"])["aud"] == RESOURCE
    assert unverified_claims(tokens["id_token"])["aud"] == "local-docs"
    refresh = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": "local-docs",
    }
    assert (
        get_audience(client, refresh) == get_audience(client, {**refresh, "resource": RESOURCE}) == RESOURCE
    )
    other = client.post("/oauth2/token", data={**refresh, "resource": "https://other.example"})
    assert read_error(other) == (400, "invalid_target")
    unbound = {**refresh, "refresh_token": get_tokens(client)["refresh_token"]}
    assert get_audience(client, unbound) is None
    assert (
        read_error(client.post("/oauth2/token", data={**unbound, "resource": RESOURCE}))[1]
        == "invalid_target"
    )


def test_a_token_request_may_name_the_resource_but_no_other_than_the_sign_in(client: httpx.Client) -> None:
    for bound in ({"resource": RESOURCE}, {}):
        form = build_token_form(get_code(client, **bound), resource=RESOURCE)
        assert get_audience(client, form) == RESOURCE
    other = build_token_form(get_code(client, resource=RESOURCE), resource="https://other.example")
    assert read_error(client.post("/oauth2/token", data=other)) == (400, "invalid_target")
    machine = {"grant_type": "client_credentials", "client_id": MACHINE[0], "client_secret": MACHINE[1]}
    assert get_audience(client, {**machine, "resource": RESOURCE}) == RESOURCE
    assert get_audience(client, machine) is None


@pytest.mark.parametrize(
    "resource",
    ["my-api", "/shop", "https://api.example#part", "https://", "https://a b", "https://é", "://x"],
)
def test_a_resource_that_is_no_absolute_address_is_an_invalid_target(
    client: httpx.Client, resource: str
) -> None:
    for response in (
        client.get("/oauth2/authorize", params=build_authorize_query(resource=resource)),
        submit(client, resource=resource),
    ):
        assert read_redirect(response.headers["location"])["error"] == "invalid_target"
    machine = {"grant_type": "client_credentials", "resource": resource}
    assert read_error(client.post("/oauth2/token", data=machine, auth=MACHINE)) == (400, "invalid_target")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://127.0.0.1:8001",
        "https://127.0.0.1:8000",
        "http://localhost",
        "app://back",
    ],
)
def test_a_web_page_of_another_origin_gets_no_token_and_no_cors_headers(
    client: httpx.Client, origin: str
) -> None:
    simple = {"grant_type": "client_credentials", "client_id": MACHINE[0], "client_secret": MACHINE[1]}
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for response in (
        client.post("/oauth2/token", data=simple, headers={"Origin": origin}),
        client.post("/oauth2/token", data=simple, headers=[("Origin", WEB), ("Origin", origin)]),
        client.post("/login", data=build_authorize_query(username="ada"), headers={"Origin": origin}),
        client.get("/", headers={"Origin": origin}),
        client.options("/oauth2/token", headers=preflight),
    ):
        assert (response.status_code, "access-control-allow-origin" in response.headers) == (403, False)
        assert "access_token" not in response.text


def test_pages_of_callback_urls_and_the_pools_own_may_send_requests(
    client: httpx.Client, local: LocalPool
) -> None:
    own = [local.address, local.address.replace("127.0.0.1", "localhost")]
    for origin in ("http://127.0.0.1:8000", "http://localhost:8000", "https://web.example.com", *own):
        form = build_authorize_query(username="ada")
        response = client.post("/login", data=form, headers={"Origin": origin})
        assert response.status_code == 303
        assert response.headers["access-control-allow-origin"] == origin


def test_the_sign_in_page_lets_the_browser_name_its_origin(client: httpx.Client) -> None:
    page = client.get("/oauth2/authorize", params=build_authorize_query())
    assert page.headers["referrer-policy"] == "same-origin"  # with no-referrer a form has `Origin: null`


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTPS://Web.Example.com:443/back?a=1", "https://web.example.com"),
        ("http://[::1]:8000/back", "http://[::1]:8000"),
        ("http://web.example:80", "http://web.example"),
        ("app://back", None),
        ("http://web.example:99999/", None),
        ("http:back", None),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str | None) -> None:
    origins = list_origins("http://127.0.0.1:9", [LocalClient(id="web", callback_urls=(url,))])
    own = {"http://127.0.0.1:9", "http://localhost:9"}
    assert set(origins) - own == ({origin} if origin else set())


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        ["evil.example"],
        ["localhost", "localhost"],
        ["localhost", "evil.example"],
        ["localhost:80@evil.example"],
        ["localhost:"],
        ["localhost.evil.example"],
        ["127.0.0.1:8x"],
        ["127.0.0.1, evil.example"],
        [""],
    ],
)
@pytest.mark.anyio
async def test_one_host_header_with_a_name_of_the_pool_is_due(hosts: list[str]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("reached")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    headers = [(b"host", host.encode()) for host in hosts]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    await LocalOnly(app, ["http://127.0.0.1:9229"])(scope, receive, send)
    assert sent[0]["status"] == 400


def test_cors_allows_token_requests_but_not_x_requested_with(client: httpx.Client) -> None:
    origin = {"Origin": "http://127.0.0.1:8000"}
    for response in (
        client.post("/oauth2/token", data=build_token_form(get_code(client)), headers=origin),
        client.post("/oauth2/token", data=build_token_form("used"), headers=origin),
    ):
        assert response.headers["access-control-allow-origin"] == origin["Origin"]
    for header, status in (("authorization", 200), ("x-requested-with", 400)):
        preflight = {
            **origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": header,
        }
        assert client.options("/oauth2/token", headers=preflight).status_code == status


def test_user_info_has_the_claims_of_the_user_as_text(client: httpx.Client, local: LocalPool) -> None:
    def info(token: str, scheme: str = "Bearer") -> httpx.Response:
        return client.get("/oauth2/userInfo", headers={"Authorization": f"{scheme} {token}"})

    tokens = get_tokens(client)
    assert info(tokens["access_token"]).json() == {
        "sub": local.pool.sub("ada"),
        "username": "ada",
        "email": "ada@example.org",
        "email_verified": "true",
        "custom:tier": "gold",
    }
    stranger = info(local.pool.access_token("zoe", scopes=["openid"]))
    assert stranger.json()["email"] == "zoe@example.com"
    assert read_error(client.get("/oauth2/userInfo")) == (401, "invalid_token")
    for bad in ("x", "x.y.z", tokens["id_token"], local.pool.access_token(expires_in=-1)):
        response = info(bad)
        assert read_error(response) == (401, "invalid_token")
        assert response.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert read_error(info(tokens["access_token"], "Basic")) == (401, "invalid_token")
    assert read_error(info(local.pool.access_token())) == (403, "insufficient_scope")


def test_a_sign_out_redirects_only_to_registered_uris(client: httpx.Client) -> None:
    out = client.get("/logout", params={"client_id": "app", "logout_uri": "app://bye"})
    assert (out.status_code, out.headers["location"]) == (302, "app://bye")
    again = client.get("/logout", params=build_authorize_query())
    assert (again.status_code, again.headers["location"].startswith("/oauth2/authorize?")) == (302, True)
    assert client.get(again.headers["location"]).status_code == 200
    for wrong in (
        {"client_id": "app", "logout_uri": "app://evil"},
        {"client_id": "app"},
        {"client_id": "nobody", "logout_uri": "app://bye"},
        build_authorize_query(redirect_uri="https://evil.example.com"),
    ):
        response = client.get("/logout", params=wrong)
        assert (response.status_code, "location" in response.headers) == (400, False)


def test_discovery_names_existing_endpoints(client: httpx.Client, local: LocalPool) -> None:
    found = client.get(f"/{local.directory.id}/.well-known/openid-configuration").json()
    assert found["issuer"] == local.pool.issuer == f"{local.address}/{local.directory.id}"
    assert httpx.get(found["jwks_uri"], trust_env=False).json() == local.pool.jwks
    pool = local.user_pool()
    assert found["grant_types_supported"] == ["authorization_code", "refresh_token", "client_credentials"]
    for name in ("token_endpoint_auth_methods_supported", "revocation_endpoint_auth_methods_supported"):
        assert found[name] == ["client_secret_basic", "client_secret_post", "none"]
    assert found["authorization_endpoint"] == pool.authorize_url
    assert found["token_endpoint"] == pool.token_url
    for name in ("userinfo_endpoint", "revocation_endpoint", "end_session_endpoint"):
        assert httpx.get(found[name], trust_env=False).status_code != 404


def test_the_key_endpoint_serves_faults(client: httpx.Client, local: LocalPool) -> None:
    path = f"/{local.directory.id}/.well-known/jwks.json"
    with local.pool.break_jwks(503):
        assert client.get(path).status_code == 503
    assert client.get(path).json() == local.pool.jwks


def test_an_unknown_host_header_is_refused(client: httpx.Client) -> None:
    assert client.get("/", headers={"Host": "evil.example.com"}).status_code == 400
    assert client.get("/", headers={"Host": "localhost"}).status_code == 200


def test_a_repeated_parameter_is_an_error(client: httpx.Client) -> None:
    response = client.get(
        "/oauth2/authorize", params=[*build_authorize_query().items(), ("client_id", "app")]
    )
    assert read_error(response) == (400, "invalid_request")


def test_the_front_page_needs_no_token_and_has_no_secret(client: httpx.Client) -> None:
    page = client.get("/", headers=bearer("x")).text
    assert "COGNITO_USER_POOL_ID=" in page
    assert not any(secret in page for secret in ("local-secret", "s3cret", "correct horse"))


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8123", "http://localhost:3", "http://localhost"])
def test_by_default_docs_at_any_port_of_this_machine_sign_users_in(origin: str) -> None:
    query = {**build_authorize_query(), "redirect_uri": f"{origin}/docs/oauth2-redirect"}
    with local_pool() as local, httpx.Client(base_url=local.address, trust_env=False) as client:
        assert client.get("/oauth2/authorize", params=query).status_code == 200
        answer = client.post("/oauth2/token", data={"grant_type": "x"}, headers={"Origin": origin})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (400, origin)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example:8000",
        "https://127.0.0.1:8000",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1:*",
    ],
)
def test_any_port_is_a_port_of_this_machine_only(origin: str) -> None:
    query = {**build_authorize_query(), "redirect_uri": f"{origin}/docs/oauth2-redirect"}
    with local_pool() as local, httpx.Client(base_url=local.address, trust_env=False) as client:
        assert client.get("/oauth2/authorize", params=query).status_code == 400
        answer = client.post("/oauth2/token", data={"grant_type": "x"}, headers={"Origin": origin})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({"client_id": ""}, ["The client_id is empty", "local-docs", "COGNITO_CLIENT_IDS"]),
        ({"client_id": "<b>web"}, ["no client &lt;b&gt;web", "local-docs", "--client"]),
        (
            {"redirect_uri": "http://127.0.0.1:8000/other"},
            ["http://127.0.0.1:8000/other", "http://127.0.0.1:*/docs/oauth2-redirect", "--callback"],
        ),
    ],
    ids=["empty client", "unknown client", "unknown address"],
)
def test_a_refused_sign_in_names_what_was_sent_and_what_is_allowed(
    given: dict[str, str], parts: list[str]
) -> None:
    with local_pool() as local, httpx.Client(base_url=local.address, trust_env=False) as client:
        answer = client.get("/oauth2/authorize", params={**build_authorize_query(), **given})
    assert answer.status_code == 400
    assert [part for part in parts if part not in answer.text] == []
