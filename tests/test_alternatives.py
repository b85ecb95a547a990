"""Requirements as alternatives, and checks of the app's own: at routes, in the document, in records."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Path, Query, Security, WebSocket
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.websockets import WebSocketDisconnect

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    Decision,
    Principal,
    current_user,
    require,
    require_claim,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.app.routes import list_routes
from fastapi_cognito_guard.dependants import as_value
from fastapi_cognito_guard.dependencies import Required
from fastapi_cognito_guard.errors import (
    ConfigurationError,
    InsufficientClaim,
    InsufficientPermission,
    InsufficientScope,
)
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.testing import FakeUserPool, as_user
from tests.apps import bearer, client_of, guard_for
from tests.test_policy import make_principal

ORDERS = {"1": "ada", "2": "bob"}
PEOPLE_OR_MACHINES = require_group("admins") | require_scope("orders/admin")


async def find_order(order_id: str) -> str:
    return ORDERS[order_id]


async def is_owner(user: Principal, owner: Annotated[str, Depends(find_order)]) -> bool:
    return user.username == owner


def is_first(user: "Principal", order_id: "Annotated[str, Path()]") -> bool:
    return bool(user.sub) and order_id == "1"


class Observed:
    def __init__(self, pool: FakeUserPool, **settings: Any) -> None:
        self.decisions: list[Decision] = []
        self.guard: CognitoGuard = guard_for(pool, on_decision=self.decisions.append, **settings)
        self.app = FastAPI()
        self.guard.install(self.app)
        self.client: TestClient = client_of(self.app)

    def add(self, path: str, *requirements: Required) -> None:
        self.app.get(path, dependencies=[Depends(each) for each in requirements])(lambda: "done")


@pytest.fixture
def observed(pool: FakeUserPool) -> Observed:
    observed = Observed(pool)
    observed.add("/orders", PEOPLE_OR_MACHINES)
    observed.add("/owned/{order_id}", require(is_owner, name="owner"))
    observed.add("/first/{order_id}", require(is_first))
    observed.add("/either/{order_id}", require_group("admins") | require(is_owner, name="owner"))
    return observed


def test_one_of_the_alternatives_is_enough_and_none_is_403(observed: Observed, pool: FakeUserPool) -> None:
    for token, status in (
        (pool.access_token(groups=["admins"]), 200),
        (pool.machine_token(scopes=["orders/admin"]), 200),
        (pool.access_token(groups=["orders/admin"], scopes=["admins"]), 403),
        (pool.machine_token(scopes=["orders/read"]), 403),
        (pool.access_token(), 403),
    ):
        assert observed.client.get("/orders", headers=bearer(token)).status_code == status
    assert observed.client.get("/orders").status_code == 401


def test_a_refusal_names_all_alternatives(observed: Observed, pool: FakeUserPool) -> None:
    answer = observed.client.get("/orders", headers=bearer(pool.access_token()))
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})
    (decision,) = observed.decisions
    assert decision.code == "insufficient_permission"
    assert decision.required == ("admins", "orders/admin")
    assert "require_group('admins') | require_scope('orders/admin') is not met" in decision.reason


def test_a_check_decides_with_the_apps_own_dependencies(observed: Observed, pool: FakeUserPool) -> None:
    ada, bob = (bearer(pool.access_token(name)) for name in ("ada", "bob"))
    client = observed.client
    assert [client.get(f"/owned/{order}", headers=ada).status_code for order in "12"] == [200, 403]
    assert [client.get(f"/owned/{order}", headers=bob).status_code for order in "12"] == [403, 200]
    assert [client.get(f"/first/{order}", headers=ada).status_code for order in "12"] == [200, 403]
    refused = [each for each in observed.decisions if each.outcome == "refused"]
    assert {each.code for each in refused} == {"insufficient_permission"}
    assert [each.required for each in refused] == [("owner",), ("owner",), ("is_first",)]


def test_without_a_valid_token_no_check_and_no_dependency_of_it_runs(
    observed: Observed, pool: FakeUserPool
) -> None:
    assert observed.client.get("/owned/no-such-order").status_code == 401
    expired = bearer(pool.access_token(expires_in=0))
    assert observed.client.get("/owned/no-such-order", headers=expired).status_code == 401


def test_a_check_may_be_one_of_the_alternatives(observed: Observed, pool: FakeUserPool) -> None:
    admin = bearer(pool.access_token("eve", groups=["admins"]))
    ada = bearer(pool.access_token("ada"))
    assert [observed.client.get(f"/either/{order}", headers=admin).status_code for order in "12"] == [
        200,
        200,
    ]
    assert [observed.client.get(f"/either/{order}", headers=ada).status_code for order in "12"] == [200, 403]


def test_a_requirement_with_a_check_yields_the_principal(pool: FakeUserPool) -> None:
    observed = Observed(pool)

    @observed.app.get("/me")
    async def me(user: Annotated[Principal, Depends(require(lambda user: True, name="anybody"))]) -> Any:
        return user.username

    assert observed.client.get("/me", headers=bearer(pool.access_token("ada"))).json() == "ada"


class HasTier:
    """Check with a state: an object."""

    def __init__(self, tier: str) -> None:
        self.tier = tier

    async def __call__(self, user: Principal, strict: Annotated[bool, Query()] = False) -> bool:
        return bool(user.claim("custom:tier") == self.tier)


def test_an_object_may_be_a_check_and_its_parameters_are_in_the_document(pool: FakeUserPool) -> None:
    observed = Observed(pool)
    observed.add("/gold", require(HasTier("gold"), name="gold"))
    token = pool.access_token(claims={"custom:tier": "gold"})
    assert observed.client.get("/gold", headers=bearer(token)).status_code == 200
    assert observed.client.get("/gold", headers=bearer(pool.access_token())).status_code == 403
    (parameter,) = observed.app.openapi()["paths"]["/gold"]["get"]["parameters"]
    assert parameter["name"] == "strict"


@pytest.mark.parametrize("result", [None, 1, "True", []], ids=repr)
def test_a_check_that_returns_no_boolean_is_an_error_and_allows_nothing(
    pool: FakeUserPool, result: Any
) -> None:
    observed = Observed(pool)
    observed.add("/x", require(lambda user: result, name="wrong"))
    with pytest.raises(ConfigurationError, match="returns True or False"):
        observed.client.get("/x", headers=bearer(pool.access_token()))


def test_a_websocket_takes_alternatives_and_checks(pool: FakeUserPool) -> None:
    observed = Observed(pool)
    owner = require(is_owner, name="owner")

    @observed.app.websocket("/ws/{order_id}", dependencies=[Depends(owner | require_group("admins"))])
    async def ws(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    ada = bearer(pool.access_token("ada"))
    with observed.client.websocket_connect("/ws/1", headers=ada):
        pass
    with pytest.raises(WebSocketDisconnect), observed.client.websocket_connect("/ws/2", headers=ada):
        pass


def test_an_overridden_user_is_still_checked(observed: Observed) -> None:
    observed.app.dependency_overrides[current_user] = lambda: make_principal(username="bob")
    assert observed.client.get("/owned/2").status_code == 200
    assert observed.client.get("/owned/1").status_code == 403
    assert observed.client.get("/orders").status_code == 403


def test_a_signed_in_user_of_the_test_kit_is_still_checked(observed: Observed) -> None:
    with as_user(observed.app, "ada", groups=["admins"]):
        assert [observed.client.get(path).status_code for path in ("/orders", "/owned/1", "/owned/2")] == [
            200, 200, 403,
        ]  # fmt: skip


# As values


def test_alternatives_are_equal_in_any_order_and_grouping() -> None:
    a, b, c = require_group("a"), require_scope("b"), require_claim("c", "d")
    assert a | b == b | a
    assert hash(a | b) == hash(b | a)
    assert (a | b) | c == a | (b | c)
    assert a | b != a | c
    assert a | a == a
    assert str(a | b) == "require_group('a') | require_scope('b')"
    assert (a | b).label == "group a or scope b"
    assert (c | require(is_owner, name="owner")).label == "owner or c: d"


def test_alternatives_of_one_kind_are_one_requirement() -> None:
    assert require_scope("a") | require_scope("b") == require_scope("a", "b")
    assert require_claim("x", "1") | require_claim("x", "2") == require_claim("x", "1", "2")
    assert (require_claim("x", "1") | require_claim("y", "1")).kind == "any"
    with pytest.raises(InsufficientScope):
        (require_scope("a") | require_scope("b")).check(make_principal())


def test_checks_are_equal_by_name_and_function() -> None:
    assert require(is_owner, name="owner") == require(is_owner, name="owner")
    assert require(is_owner, name="owner") != require(is_first, name="owner")
    assert require(is_owner, name="owner") != require(is_owner)
    both = require(is_owner, name="owner") | require(is_first, name="owner")
    assert len(both.alternatives) == 2
    assert require(is_owner, name="owner") | require(is_owner, name="owner") == require(
        is_owner, name="owner"
    )
    assert str(require(is_owner, name="owner")) == "require(..., name='owner')"


def test_a_refusal_tells_the_remedy_of_each_alternative() -> None:
    requirement = require_group("a") | require_claim("level", 3) | require(is_owner, name="owner")
    with pytest.raises(InsufficientPermission) as refused:
        requirement.check(make_principal(username="ada"))
    assert refused.value.reason == (
        "require(..., name='owner') | require_claim('level', '3') | require_group('a') is not met by this "
        "access token of 'c': any one of these is enough: the app's own check returned False; set the claim "
        "(attribute, or pre-token-generation trigger), and sign in again; add the user to the group, and "
        "sign in again."
    )


@pytest.mark.parametrize(
    ("claim", "remedy"),
    [("custom:tier", "send the ID token"), ("email", "send the ID token"), ("level", "set the claim")],
)
def test_the_remedy_for_a_claim_of_an_access_token_depends_on_the_claim(claim: str, remedy: str) -> None:
    with pytest.raises(InsufficientClaim, match=remedy):
        require_claim(claim, "x").check(make_principal(username="ada"))


def test_a_requirement_is_joined_with_requirements_only() -> None:
    with pytest.raises(TypeError):
        require_group("a") | "admins"  # type: ignore[operator]  # the mistake that this tests


names = st.sampled_from(["a", "b", "c"])
requirements = st.lists(
    st.builds(require_group, names)
    | st.builds(require_scope, names)
    | st.builds(require_claim, names, names),
    min_size=1,
    max_size=4,
)


@given(requirements, st.frozensets(names), st.frozensets(names), st.dictionaries(names, names))
def test_alternatives_are_met_exactly_by_those_who_meet_one(
    each: list[Requirement], groups: frozenset[str], scopes: frozenset[str], claims: dict[str, str]
) -> None:
    principal = make_principal(groups=groups, scopes=scopes, claims=claims)
    joined = each[0]
    for other in each[1:]:
        joined = joined | other
    assert joined.is_met(principal) == any(one.is_met(principal) for one in each)


def test_a_check_that_has_not_run_is_not_met() -> None:
    owner = require(is_owner, name="owner")
    for requirement in (owner, owner | require_group("admins")):
        with pytest.raises(InsufficientPermission):
            requirement.check(make_principal())
        requirement.check(make_principal(), {owner})


@pytest.mark.parametrize(
    ("check", "name"),
    [
        (None, "x"),
        (lambda: True, "x"),
        (lambda user: True, None),
        (lambda user: True, ""),
        (lambda user: True, " "),
        (lambda user: True, "a\nb"),
        (lambda user: True, 5),
        (lambda user: True, "x" * 129),
        (HasTier, "x"),
        (lambda user: (yield), "x"),
    ],
)
def test_what_is_no_check_is_refused_at_definition(check: Any, name: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Write require\(is_owner|name of a check|Name the check"):
        require(check, name=name)


# What is told of them


def test_the_document_has_alternatives_and_names(observed: Observed) -> None:
    paths = observed.app.openapi()["paths"]
    orders, owned = paths["/orders"]["get"], paths["/owned/{order_id}"]["get"]
    assert orders["security"] == [{"Cognito": []}, {"Cognito": ["orders/admin"]}]
    assert orders["x-cognito-requirements"] == ["group admins or scope orders/admin"]
    assert "x-cognito-groups" not in orders
    assert owned["security"] == [{"Cognito": []}]
    assert owned["x-cognito-requirements"] == ["owner"]
    assert [each["name"] for each in owned["parameters"]] == ["order_id"]


def test_the_scopes_of_alternatives_are_offered_at_the_login(pool: FakeUserPool) -> None:
    observed = Observed(pool, user_pool={"domain": "auth.example.com"})
    observed.add("/orders", PEOPLE_OR_MACHINES)
    scheme = observed.app.openapi()["components"]["securitySchemes"]["Cognito"]
    assert scheme["flows"]["authorizationCode"]["scopes"] == {"orders/admin": ""}


def test_the_routes_of_an_app_tell_their_alternatives(observed: Observed) -> None:
    found = {route.path: route.requirements for route in list_routes(observed.app)}
    assert found["/orders"] == (as_value(PEOPLE_OR_MACHINES),)
    assert type(found["/orders"][0]) is Requirement
    (either,) = found["/either/{order_id}"]
    assert [each.kind for each in either.alternatives] == ["check", "group"]


def test_a_mounted_app_takes_alternatives_and_no_checks(pool: FakeUserPool) -> None:
    observed, inner = Observed(pool), FastAPI()
    inner.get("/x")(lambda: "x")
    observed.app.mount("/inner", observed.guard.protect(inner, PEOPLE_OR_MACHINES))
    machine = bearer(pool.machine_token(scopes=["orders/admin"]))
    assert observed.client.get("/inner/x", headers=machine).status_code == 200
    assert observed.client.get("/inner/x", headers=bearer(pool.access_token())).status_code == 403
    for requirement in (require(is_owner), require(is_owner) | require_group("a")):
        with pytest.raises(ConfigurationError, match="only a route can run"):
            observed.guard.protect(inner, requirement)


@pytest.mark.parametrize(
    ("issue", "status"),
    [
        (lambda pool: pool.id_token(groups=["admins"]), 200),
        (lambda pool: pool.access_token(groups=["admins"]), 200),
        (lambda pool: pool.machine_token(scopes=["orders/admin"]), 200),
        (lambda pool: pool.id_token(), 403),
    ],
)
def test_with_rest_semantics_a_route_for_people_or_machines_takes_both_types_of_token(
    pool: FakeUserPool, issue: Callable[[FakeUserPool], str], status: int
) -> None:
    observed = Observed(pool, semantics="rest")
    observed.add("/orders", PEOPLE_OR_MACHINES)
    inner = FastAPI()
    inner.get("/x")(lambda: "x")
    observed.app.mount("/inner", observed.guard.protect(inner, PEOPLE_OR_MACHINES))
    for path in ("/orders", "/inner/x"):
        assert observed.client.get(path, headers=bearer(issue(pool))).status_code == status


def test_with_rest_semantics_another_requirement_still_decides_on_the_type_of_token(
    pool: FakeUserPool,
) -> None:
    observed = Observed(pool, semantics="rest")
    observed.add("/both", PEOPLE_OR_MACHINES, require_scope("orders/read"))
    assert observed.client.get("/both", headers=bearer(pool.id_token(groups=["admins"]))).status_code == 401


def test_alternatives_on_a_router_hold_for_its_routes(pool: FakeUserPool) -> None:
    observed, router = Observed(pool), APIRouter(dependencies=[Depends(PEOPLE_OR_MACHINES)])

    @router.get("/x")
    async def x(user: Annotated[Principal, Security(current_user, scopes=["a"])], me: CurrentUser) -> Any:
        return user.username

    observed.app.include_router(router)
    token = pool.access_token("ada", scopes=["a"], groups=["admins"])
    assert observed.client.get("/x", headers=bearer(token)).json() == "ada"
    assert observed.client.get("/x", headers=bearer(pool.access_token(scopes=["a"]))).status_code == 403
