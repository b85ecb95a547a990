"""Outcomes of routes of all kinds: each alone, and requests that count for none."""

import pytest
from fastapi import Depends, FastAPI, HTTPException
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_cognito_guard import (
    CurrentUser,
    IamCaller,
    OptionalUser,
    Principal,
    current_user,
    iam_identity,
    require,
    require_group,
)
from tests.apps import bearer, client_of
from tests.testing.authz_report.all_kinds import (
    ACTS,
    ADA,
    POOL,
    ask,
    build_app,
    exercised_by,
    guarded_app,
    is_odd,
)
from tests.testing.authz_report.recording import Outcome, list_outcomes, only_app, recording


def test_all_outcomes_are_listed() -> None:
    with recording() as tally:
        ask("/nowhere")(build_app())
    assert list_outcomes(only_app(tally)) == ACTS.keys()
    assert tally.exercised == 0


@pytest.mark.parametrize("outcome", ACTS, ids=" ".join)
def test_a_request_exercises_one_outcome_and_no_other(outcome: Outcome) -> None:
    with recording() as tally:
        ACTS[outcome](build_app())
    assert list_outcomes(only_app(tally), exercised=True) == {outcome}


@settings(max_examples=8)
@given(left_out=st.sets(st.sampled_from(list(ACTS)), max_size=3))
def test_the_percent_is_100_only_if_each_outcome_was_exercised(left_out: set[Outcome]) -> None:
    app = build_app()
    with recording() as tally:
        for outcome, act in ACTS.items():
            if outcome not in left_out:
                act(app)
    assert list_outcomes(only_app(tally), exercised=False) == left_out
    assert tally.reaches(100) is (not left_out)


# What does not count


def test_an_error_before_a_requirement_was_checked_is_not_allowed() -> None:
    app = guarded_app()

    async def find(user: CurrentUser) -> None:
        raise HTTPException(404)

    app.get("/orders/{id}", dependencies=[Depends(find), Depends(require_group("staff"))])(lambda: "got")
    app.get("/numbers/{number}", dependencies=[Depends(require(is_odd))])(lambda: "got")
    for path, status in (("/orders/1", 404), ("/numbers/x", 422)):
        assert client_of(app).get(path, headers=ADA).status_code == status
        assert exercised_by(app, ask(path, headers=ADA)) == set()


def test_an_error_before_the_user_was_asked_for_is_not_allowed_without_a_token() -> None:
    app = guarded_app()

    async def find() -> None:
        raise HTTPException(404)

    @app.get("/orders", dependencies=[Depends(find)])
    async def list_orders(user: OptionalUser) -> None: ...

    assert client_of(app).get("/orders", headers=ADA).status_code == 404
    assert exercised_by(app, ask("/orders", headers=ADA)) == set()


def test_a_route_that_fails_is_not_allowed() -> None:
    app = guarded_app()

    @app.get("/me")
    async def me(user: CurrentUser) -> None:
        raise LookupError

    def fail(app: FastAPI) -> None:
        with pytest.raises(LookupError):
            ask("/me", headers=ADA)(app)

    assert exercised_by(app, fail) == set()


def test_a_bad_token_is_not_the_want_of_one() -> None:
    app = guarded_app()
    app.get("/me", dependencies=[Depends(current_user)])(lambda: "me")
    for headers in (
        bearer("junk"),
        bearer(POOL.access_token(expires_in=-60)),
        {"Authorization": "Basic eA=="},
    ):
        assert exercised_by(app, ask("/me", headers=headers)) == set()


def test_an_overridden_user_is_no_decision_of_the_guard() -> None:
    app = guarded_app()
    app.get("/me", dependencies=[Depends(require_group("staff"))])(lambda: "me")
    ada = Principal(
        sub="ada", client_id="c", issuer="i", expires_at=0, claims={}, groups=frozenset({"staff"})
    )
    app.dependency_overrides[current_user] = lambda: ada
    assert client_of(app).get("/me").status_code == 200
    assert exercised_by(app, ask("/me")) == set()
    bob = Principal(sub="bob", client_id="c", issuer="i", expires_at=0, claims={})
    app.dependency_overrides[current_user] = lambda: bob
    refused = {("GET /me", "refused by require_group('staff')")}
    assert exercised_by(app, ask("/me")) == refused


def test_an_overridden_iam_caller_is_no_decision_of_the_guard() -> None:
    app = guarded_app(deny_by_default=True)

    @app.get("/iam")
    async def iam(caller: IamCaller) -> None: ...

    app.dependency_overrides[iam_identity] = lambda: None
    assert client_of(app).get("/iam", headers=ADA).status_code == 200
    assert exercised_by(app, ask("/iam", headers=ADA)) == set()


def test_a_wrong_method_or_a_redirect_counts_for_no_route() -> None:
    app = guarded_app(deny_by_default=True)
    app.get("/me", dependencies=[Depends(current_user)])(lambda: "me")
    assert exercised_by(app, ask("/me", "POST"), ask("/me/")) == set()


def test_a_requirement_that_the_route_is_not_listed_with_is_no_outcome_of_it() -> None:
    app = guarded_app()

    @app.get("/checked-inside", dependencies=[Depends(require_group("staff"))])
    async def check(user: CurrentUser) -> None:
        require_group("admins").check(user)

    staff = bearer(POOL.access_token(groups=["staff"]))
    assert exercised_by(app, ask("/checked-inside", headers=staff)) == set()
