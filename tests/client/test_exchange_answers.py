"""`TokenExchange` at its token endpoint: requests, answers that are refused, settings, memory, and bounds."""

import gc
import os
import threading
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import httpx
import pytest

from fastapi_cognito_guard.client import ClientCredentials, TokenExchange
from fastapi_cognito_guard.errors import ConfigurationError, TokenRequestFailed
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW
from tests.client.conftest import StuckProvider, TokenEndpoint
from tests.client.test_auth import make_offline_client
from tests.servers import fault_server, hang, response

API = "https://orders.example.com"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
POOL = FakeUserPool(now=lambda: NOW)
SUBJECT = POOL.access_token("ada", scopes=["orders/read", "orders/write"])
ACTOR = POOL.machine_token(client_id="shop")
ISSUED = POOL.exchange(SUBJECT, ACTOR, scopes=["orders/read"], resource=API)
ANSWER = {"access_token": ISSUED, "issued_token_type": ACCESS, "token_type": "Bearer", "expires_in": 3600}


def make_exchange(domain: str = "login.example.com", **changes: Any) -> TokenExchange:
    settings: dict[str, Any] = {
        "domain": domain,
        "client_id": "shop",
        "client_secret": "s3cret",
        "scopes": ["orders/read"],
        "resource": API,
        "actor": lambda: ACTOR,
        "now": lambda: NOW,
    }
    return TokenExchange(**{**settings, **changes})


def call(exchange: TokenExchange, subject: str = SUBJECT, status: int = 200) -> None:
    with make_offline_client(exchange.for_subject(subject), status) as client:
        client.get(API)


def make_recording_client(auth: httpx.Auth, sent: list[httpx.Request]) -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    return httpx.Client(auth=auth, transport=httpx.MockTransport(answer))


@pytest.fixture
def endpoint(token_endpoint: TokenEndpoint) -> TokenEndpoint:
    token_endpoint.answer = dict(ANSWER)
    return token_endpoint


@pytest.mark.parametrize(
    ("target", "subject", "subject_type"),
    [
        ({"resource": API, "audience": None}, SUBJECT, "access"),
        ({"audience": "orders", "resource": None}, POOL.id_token("ada"), "id"),
    ],
    ids=["resource", "audience"],
)
def test_the_request_is_that_of_rfc_8693(
    endpoint: TokenEndpoint, target: dict[str, Any], subject: str, subject_type: str
) -> None:
    call(make_exchange(endpoint.address, scopes=["orders/read", "orders/list"], **target), subject)
    assert endpoint.headers[0]["authorization"] == "Basic c2hvcDpzM2NyZXQ="
    assert endpoint.forms == [
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "client_id": "shop",
            "subject_token": subject,
            "subject_token_type": f"urn:ietf:params:oauth:token-type:{subject_type}_token",
            "actor_token": ACTOR,
            "actor_token_type": ACCESS,
            "requested_token_type": ACCESS,
            "scope": "orders/read orders/list",
            **{name: value for name, value in target.items() if value is not None},
        }
    ]


def test_the_new_token_is_sent_and_the_callers_is_not(endpoint: TokenEndpoint) -> None:
    sent: list[httpx.Request] = []
    auth = make_exchange(endpoint.address).for_subject(SUBJECT)
    with make_recording_client(auth, sent) as client:
        client.get(API, headers={"Authorization": f"Bearer {SUBJECT}"})
    assert [request.headers.get_list("authorization") for request in sent] == [[f"Bearer {ISSUED}"]]


def issue(username: str = "ada", **claims: Any) -> str:
    return POOL.access_token(username, scopes=["orders/read"], claims=claims)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"access_token": SUBJECT}, "the caller's own token"),
        ({"access_token": issue("bob")}, "another user"),
        ({"access_token": issue(scope="orders/read orders/write")}, "not requested"),
        ({"access_token": issue(scope=["orders/read"])}, "not requested"),
        ({"access_token": POOL.id_token("ada")}, "no access token of Cognito"),
        ({"access_token": "opaque"}, "no access token of Cognito"),
        ({"access_token": "a\r\nb"}, "no access token"),
        ({"access_token": None}, "no access token"),
        ({"issued_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "no access token"),
        ({"issued_token_type": None}, "no access token"),
        ({"issued_token_type": [ACCESS]}, "no access token"),
        ({"token_type": "N_A"}, "no bearer token"),
        ({"token_type": None}, "no bearer token"),
        ({"token_type": ["Bearer"]}, "no bearer token"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_that_was_not_asked_for_is_refused_and_nothing_is_sent(
    endpoint: TokenEndpoint, change: dict[str, Any], message: str
) -> None:
    endpoint.answer |= change
    sent: list[httpx.Request] = []
    auth = make_exchange(endpoint.address).for_subject(SUBJECT)
    with make_recording_client(auth, sent) as client:
        for _ in range(2):  # a failure is not kept
            with pytest.raises(TokenRequestFailed, match=message) as failed:
                client.get(API)
    assert "eyJ" not in str(failed.value)
    assert (len(sent), len(endpoint.forms)) == (0, 2)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("invalid_request", "has expired, was revoked"),
        ("invalid_grant", "has expired, was revoked"),
        ("invalid_client", "check client_id"),
        ("unauthorized_client", "ALLOW_TOKEN_EXCHANGE_DELEGATION"),
        ("unsupported_grant_type", "ALLOW_TOKEN_EXCHANGE_IMPERSONATION"),
        ("invalid_scope", "lacks the scopes"),
        ("invalid_target", "audience or resource"),
    ],
)
def test_each_error_of_the_rfcs_has_advice(code: str, advice: str) -> None:
    with fault_server(response({"error": code}, "400 Bad Request")) as server:
        exchange = make_exchange(server.address.removesuffix("/jwks.json"))
        with pytest.raises(TokenRequestFailed, match=advice) as failed:
            call(exchange)
    assert (failed.value.status, failed.value.error) == (400, code)


def test_an_endpoint_that_hangs_is_an_error_within_the_timeout() -> None:
    with fault_server(hang) as server:
        exchange = make_exchange(server.address.removesuffix("/jwks.json"), timeout=0.3)
        with pytest.raises(TokenRequestFailed, match=r"No token within 0\.3 seconds"):
            call(exchange)


@pytest.mark.parametrize(
    ("lives", "expires_in", "kept"),
    [(3600, 3600, True), (3600, 0, False), (0, 3600, False), (-5, 3600, False), (3600, None, True)],
)
def test_a_token_is_kept_while_both_it_and_the_callers_live(
    endpoint: TokenEndpoint, lives: int, expires_in: int | None, kept: bool
) -> None:
    endpoint.answer["expires_in"] = expires_in
    exchange, subject = make_exchange(endpoint.address), POOL.access_token("ada", expires_in=lives)
    call(exchange, subject)
    call(exchange, subject)
    assert len(endpoint.forms) == (1 if kept else 2)


@pytest.mark.parametrize("claims", [{"exp": None}, {"exp": "soon"}, {"exp": True}, {"exp": 10**400}], ids=str)
def test_for_a_callers_token_without_an_expiry_nothing_is_kept(
    endpoint: TokenEndpoint, claims: dict[str, Any]
) -> None:
    exchange, subject = make_exchange(endpoint.address), issue(**claims)
    call(exchange, subject)
    call(exchange, subject)
    assert len(endpoint.forms) == 2


def test_the_actors_token_is_shared_by_all_exchanges_and_replaced_after_a_refusal() -> None:
    requested: list[str] = []

    def actor() -> str:
        requested.append(POOL.machine_token(client_id="shop"))
        return requested[-1]

    with fault_server(response(ANSWER)) as server:
        exchange = make_exchange(server.address.removesuffix("/jwks.json"), actor=actor)
        for _ in range(3):
            call(exchange, issue())
        assert len(requested) == 1
        server.answer = response({"error": "invalid_request"}, "400 Bad Request")
        for _ in range(3):
            with pytest.raises(TokenRequestFailed):
                call(exchange, issue())
        assert len(requested) == 2  # then not again for ten seconds


def test_the_number_of_remembered_callers_is_bounded(endpoint: TokenEndpoint) -> None:
    exchange = make_exchange(endpoint.address, remember=2)
    one, two, three = (issue() for _ in range(3))
    for subject in (one, two, one, three, one):
        call(exchange, subject)
    assert (len(exchange._keepers), len(endpoint.forms)) == (2, 3)
    call(exchange, two)
    assert len(endpoint.forms) == 4


@pytest.mark.usefixtures("no_grace")
def test_a_flood_of_callers_does_not_hold_more_threads_than_the_limit(
    endpoint: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi_cognito_guard.client.subjects._MOST_UNDER_WAY", 2)
    provider = StuckProvider(1)
    exchange = make_exchange(endpoint.address, actor=lambda: provider() and ACTOR, timeout=5)
    threads = [threading.Thread(target=call, args=(exchange, issue())) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until_slots_are_taken(exchange)
    with pytest.raises(TokenRequestFailed, match="2 exchanges are under way"):
        call(exchange, issue())
    provider.go.set()
    for thread in threads:
        thread.join(timeout=10)
    call(exchange, issue())
    assert len(endpoint.forms) == 3


def wait_until_slots_are_taken(exchange: TokenExchange) -> None:
    for _ in range(500):
        if exchange._keepers._slots._value == 0:
            return
        threading.Event().wait(0.01)
    raise AssertionError("the exchanges did not start")


@pytest.mark.parametrize("fails", [False, True], ids=["success", "failure"])
def test_after_the_request_no_token_of_the_caller_is_kept_in_clear(
    endpoint: TokenEndpoint, fails: bool
) -> None:
    exchange = make_exchange(endpoint.address)
    if fails:
        endpoint.answer["token_type"] = "N_A"
        with pytest.raises(TokenRequestFailed):
            call(exchange)
    else:
        call(exchange)
    assert len(exchange._keepers) == 1
    texts = [text for text in find_texts(exchange) if SUBJECT in text]
    assert texts == []
    assert any(ISSUED in text for text in find_texts(exchange)) is not fails  # the search finds what is kept


def find_texts(root: object) -> Iterator[str]:
    """Yield each text that is reachable from an object, but not through code and its globals."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        value = waiting.pop()
        is_globals = isinstance(value, dict) and "__builtins__" in value
        if id(value) in seen or isinstance(value, type | ModuleType | FunctionType) or is_globals:
            continue
        seen.add(id(value))
        if isinstance(value, str | bytes):
            yield value if isinstance(value, str) else value.decode("latin-1")
        waiting += gc.get_referents(value)


def test_no_secret_and_no_token_is_in_a_repr() -> None:
    exchange = make_exchange()
    assert repr(exchange) == (
        "TokenExchange(domain='login.example.com', client_id='shop', scopes=['orders/read'], "
        f"resource={API!r})"
    )
    shown = repr(exchange.for_subject(SUBJECT)) + repr(vars(exchange))
    assert ("eyJ" in shown, "s3cret" in shown) == (False, False)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"scopes": []}, "at least one scope"),
        ({"scopes": "orders/read"}, "scopes is a list"),
        ({"scopes": None}, "scopes is a list"),
        ({"scopes": ["orders/read openid"]}, "without blanks"),
        ({"scopes": [""]}, "without blanks"),
        ({"scopes": [5]}, "without blanks"),
        ({"resource": None}, "Name the service once"),
        ({"audience": "orders"}, "Name the service once"),
        ({"resource": ""}, "resource is a text"),
        ({"resource": "a b"}, "resource is a text"),
        ({"resource": 5}, "resource is a text"),
        ({"resource": None, "audience": "x" * 257}, "audience is a text"),
        ({"actor": "token"}, "actor is a"),
        ({"actor": 5}, "actor is a"),
        ({"domain": "http://login.example.com"}, "domain is"),
        ({"domain": "http://cognito:9229", "http_hosts": "orders", "origins": "http://orders"}, "domain is"),
        ({"http_hosts": ["orders"]}, "http_hosts needs origins"),
        ({"origins": "http://orders"}, "https"),
        ({"origins": "orders.example.com"}, "scheme, host and port"),
        ({"remember": 0}, "remember"),
        ({"remember": "many"}, "remember"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_right_is_a_configuration_error(change: dict[str, Any], advice: str) -> None:
    with pytest.raises(ConfigurationError, match=advice):
        make_exchange(**change)


def test_http_hosts_are_those_of_the_pool_and_of_the_service() -> None:
    exchange = make_exchange("http://cognito:9229", http_hosts=["cognito", "orders"], origins="http://orders")
    client = make_offline_client(exchange.for_subject(SUBJECT))
    with client, pytest.raises(ConfigurationError, match="origins"):
        client.get("http://cognito")


def test_an_actor_may_be_a_machine_of_the_pool(endpoint: TokenEndpoint) -> None:
    actor = ClientCredentials(domain=endpoint.address, client_id="shop", client_secret="s3cret")
    call(make_exchange(endpoint.address, actor=actor))
    assert [form["grant_type"].rpartition(":")[2] for form in endpoint.forms] == [
        "client_credentials",
        "token-exchange",
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_no_tokens_and_a_lock_of_its_own(endpoint: TokenEndpoint) -> None:
    exchange = make_exchange(endpoint.address)
    call(exchange)
    exchange._keepers._lock.acquire()  # as if held by a thread, which the child does not have
    child = os.fork()
    if child == 0:
        try:
            exchange.for_subject(SUBJECT)
            os._exit(len(exchange._keepers) - 1)
        except BaseException:
            os._exit(2)
    exchange._keepers._lock.release()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
