"""A matrix that is measured: each cell is a request through the app, and through the played gateways."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from fastapi_cognito_guard.app.routes import list_mounted_apps
from fastapi_cognito_guard.decisions import Decision, Decisions
from fastapi_cognito_guard.deploy.lambda_function import LambdaFunction
from fastapi_cognito_guard.guard import CognitoGuard, installed_guard
from fastapi_cognito_guard.matrix.answers import ALLOWED, CHECK, Answer, Door, find_pool, rank_answer
from fastapi_cognito_guard.matrix.callers import Caller
from fastapi_cognito_guard.matrix.doors import is_attached
from fastapi_cognito_guard.matrix.routes import GuardedRoute
from fastapi_cognito_guard.matrix.table import Matrix, Row, build_matrix, list_callers
from fastapi_cognito_guard.matrix.tokens import build_claims, choose_client_id, choose_pool
from fastapi_cognito_guard.middleware import find_guard
from fastapi_cognito_guard.testing.gateway.client import GatewayClient
from fastapi_cognito_guard.testing.gateway.events import Flavour, gateway_event
from fastapi_cognito_guard.testing.pool import FakeUserPool
from fastapi_cognito_guard.testing.stops import Stops, stopping_before_functions
from fastapi_cognito_guard.testing.trust import installed_guards, trusting

if TYPE_CHECKING:
    from fastapi import FastAPI

_FLAVOURS: Mapping[Door, Flavour] = {"rest": "rest", "http": "http", "lambda": "lambda"}
_IAM: Mapping[Door, Flavour] = {"rest": "iam", "http": "iam-2.0", "lambda": "iam"}
_MAX_SHOWN = 20
_LOGGERS = ("fastapi_cognito_guard", "fastapi_cognito_guard.testing", "fastapi_cognito_guard.audit")
_NOT_PERMITTED = "insufficient_permission"
_OWN, _FAILED, _TAKEN = "own code", "failed", "taken"


def measure_matrix(
    app: "FastAPI", callers: Iterable[Caller] | None = None, *, door: Door = "standalone"
) -> Matrix:
    """Send the request of each cell through the app, and return what was answered.

    All dependencies of a route run, with values ``1`` in its path; its function does not. Tokens are real,
    and signed by keys that the guard trusts meanwhile; ``revoked`` and ``on_decision`` are not called. The
    app's lifespan is not run: start it around this, if dependencies need it.

    Fails with a list of the cells whose answer is not the computed one. A check of the app's own is measured
    only.
    """
    __tracebackhide__ = True
    listed = list_callers(app) if callers is None else tuple(callers)
    with ExitStack() as stack:
        pools = _trust_pools(stack, app, listed)
        decisions = _watch(stack, app)
        computed = build_matrix(app, listed, door=door)
        probe = _Probe(app, pools, stack.enter_context(stopping_before_functions(app)), decisions)
        rows = tuple(
            Row(row.route, tuple(map(partial(probe.measure, row.route, door), computed.callers, row.answers)))
            for row in computed.rows
        )
    measured = Matrix(computed.title, door, computed.callers, rows)
    differences = list(list_differences(computed, measured))
    if differences:
        more = len(differences) - _MAX_SHOWN
        lines = differences[:_MAX_SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise AssertionError("\n  ".join(["The app answers otherwise than computed:", *lines]))
    return measured


def list_differences(computed: Matrix, measured: Matrix) -> Iterator[str]:
    """List the cells in which a measured matrix differs from the computed one, as texts."""
    for (row, caller, expected), (_, _, found) in zip(
        computed.list_cells(), measured.list_cells(), strict=True
    ):
        if not is_same(row.route, expected, found):
            where = f"{row.route.name}, {caller.name}, door {computed.door}"
            yield f"{where}: computed {_describe(expected)}, measured {_describe(found)}"


def is_same(route: GuardedRoute, expected: Answer, found: Answer) -> bool:
    """Return True if a measured answer is the computed one, as far as that can be computed."""
    if found.code == _FAILED:
        return False
    if expected.code == CHECK:
        return found.code in (ALLOWED, _OWN, _NOT_PERMITTED)
    if found.code == _NOT_PERMITTED and any(each.list_of_kind("check") for each in route.requirements):
        return not expected.allowed  # a check refused first
    if found.code == _OWN and found.status not in (401, 403):
        return True  # not found, or another answer that says nothing of access
    if expected.by != found.by:
        return False
    # A handler of the app's own may answer a refusal with another status.
    return expected.status == found.status if expected.by == "gateway" else expected.code == found.code


def _describe(answer: Answer) -> str:
    notes = {
        _FAILED: "a dependency failed, perhaps because it needs the app's lifespan",
        _OWN: "by the app's own code, of which the guard knows nothing: make it a check, require(...)",
        _TAKEN: "by another route, which takes the request first",
    }
    status = "the app's check decides" if answer.status is None else str(answer.status)
    return f"{status} ({notes.get(answer.code, answer.code)}{', gateway' * (answer.by == 'gateway')})"


def _trust_pools(stack: ExitStack, app: "FastAPI", callers: Iterable[Caller]) -> Mapping[str, FakeUserPool]:
    """Let all guards trust pools whose keys are at hand, until the stack ends. Return them by id."""
    pools: dict[str, FakeUserPool] = {}
    mounted = [inner for _, inner in list_mounted_apps(app) if find_guard(inner) is not None]
    for each in (app, *mounted):
        for pool in _list_fake_pools(installed_guard(each), callers, pools):
            stack.enter_context(trusting(each, pool))  # type: ignore[arg-type]  # it has a guard, so it is FastAPI's
    return pools


def _list_fake_pools(
    guard: CognitoGuard, callers: Iterable[Caller], pools: dict[str, FakeUserPool]
) -> Iterator[FakeUserPool]:
    needed = {pool.id: pool for pool in guard.pools}
    if guard.directory is not None:
        found = [choose_pool(guard, caller.pool_id) for caller in callers]
        needed |= {pool.id: pool for pool in found if pool.id not in needed}
    for pool in needed.values():
        if pool.id not in pools:
            client = choose_client_id(pool)
            pools[pool.id] = FakeUserPool(pool.id, client_id=client, issuer=pool.issuers[0], now=guard.now)
        yield pools[pool.id]


def _watch(stack: ExitStack, app: "FastAPI") -> list[Decision]:
    """Collect the decisions of all guards, in place of log and ``on_decision``, and ask no ``revoked``."""
    decisions: list[Decision] = []
    for guard in installed_guards(app):
        own = {"_decisions": Decisions(decisions.append, observed=False), "revocation": None}
        before = {name: vars(guard)[name] for name in own}
        vars(guard).update(own)
        stack.callback(vars(guard).update, before)
    for name in _LOGGERS:
        stack.enter_context(_silenced(logging.getLogger(name)))
    return decisions


@contextmanager
def _silenced(logger: logging.Logger) -> Iterator[None]:
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


class _Probe:
    """Sender of one request for each token of a caller."""

    def __init__(
        self, app: "FastAPI", pools: Mapping[str, FakeUserPool], stops: Stops, decisions: list[Decision]
    ) -> None:
        self._app = app
        self._pools = pools
        self._stops = stops
        self._decisions = decisions
        self._tokens: dict[tuple[str, str, int], list[str]] = {}
        self._direct = TestClient(app, raise_server_exceptions=False)
        self._gateways: dict[Door, GatewayClient] = {}
        self._function = LambdaFunction(app, base_path=None, lifespan="off", options={})

    def measure(self, route: GuardedRoute, door: Door, caller: Caller, expected: Answer) -> Answer:
        """Return the answer to a caller, who sends the token that gets furthest, or none if that does.

        Once the expected answer has come, no further token is sent.
        """
        tokens: Sequence[str | None] = self._list_tokens(route, caller)
        if route.open_to_nobody or not tokens:
            without_token = self._send(route, caller, None, door)
            if without_token.allowed or not tokens:
                return without_token
        answers: list[Answer] = []
        for token in tokens:
            answers.append(self._send(route, caller, token, door))
            if is_same(route, expected, answers[-1]):
                break
        return min(answers, key=rank_answer)

    def _list_tokens(self, route: GuardedRoute, caller: Caller) -> list[str]:
        key = (caller.name, route.guard.pools[0].id if route.guard.pools else "", id(route.guard))
        if key not in self._tokens:
            pool = find_pool(route, caller)
            claims = build_claims(caller, pool, now=route.guard.now())
            self._tokens[key] = [self._pools[pool.id].sign(each) for each in claims]
        return self._tokens[key]

    def _send(self, route: GuardedRoute, caller: Caller, token: str | None, door: Door) -> Answer:
        self._stops.route = None
        self._decisions.clear()
        headers = {} if token is None else {route.guard.header.decode("ascii"): f"Bearer {token}"}
        path = fill_path(route.info.path)
        if route.info.websocket:
            status = self._open_websocket(path, headers)
        elif caller.kind == "iam" and door != "standalone" and route.info.iam:
            event = gateway_event(_IAM[door], method=_choose_method(route), path=path)
            status = int(self._function(event, None)["statusCode"])
        else:
            status = self._find_client(door).request(_choose_method(route), path, headers=headers).status_code
        return self._read(route, status, door)

    def _read(self, route: GuardedRoute, status: int, door: Door) -> Answer:
        if self._stops.route is not None:
            return Answer(200, ALLOWED if self._stops.route == route.name else _TAKEN)
        refused = [each for each in self._decisions if each.outcome == "refused"]
        if refused:
            return Answer(status, refused[-1].code)
        if status >= 500:
            return Answer(status, _FAILED)
        if door != "standalone" and not self._decisions and is_attached(route.outer, route.info):
            return Answer(status, "refused", by="gateway")
        return Answer(status, _OWN)

    def _find_client(self, door: Door) -> TestClient:
        if door == "standalone":
            return self._direct
        if door not in self._gateways:
            self._gateways[door] = GatewayClient(self._app, _FLAVOURS[door], raise_server_exceptions=False)
        return self._gateways[door]

    def _open_websocket(self, path: str, headers: Mapping[str, str]) -> int:
        try:
            with self._direct.websocket_connect(path, headers=dict(headers)):
                return 101
        except WebSocketDenialResponse as denial:
            return denial.status_code
        except WebSocketDisconnect as closed:
            return 403 if closed.code == 1008 else 500


def fill_path(path: str) -> str:
    """Return a path that the template takes, with ``1`` for each of its values."""
    samples: dict[str, Any] = {"path": "1/1", "uuid": "00000000-0000-4000-8000-000000000001", "float": "1.5"}
    parts = path.replace("}", "{").split("{")
    return "".join(
        samples.get(part.partition(":")[2], "1") if index % 2 else part for index, part in enumerate(parts)
    )


def _choose_method(route: GuardedRoute) -> str:
    return min(route.info.methods - {"HEAD", "OPTIONS"} or route.info.methods or {"GET"})
