"""Principals: frozen values that no request can forge and no reader can change."""

from dataclasses import FrozenInstanceError, replace
from typing import Annotated, Any, get_args

import pytest
from fastapi import Depends, FastAPI

from fastapi_cognito_guard import CurrentUser, OptionalUser, Principal
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import bearer, build_app, client_of, guard_for


def make_principal(**fields: Any) -> Principal:
    given: dict[str, Any] = {
        "sub": "s",
        "client_id": "c",
        "issuer": "i",
        "expires_at": 1.0,
        "claims": {"cognito:groups": ["a"]},
    }
    return Principal(**given | fields)


def test_a_change_of_claims_does_not_change_the_principal() -> None:
    user = make_principal()
    user.claims["cognito:groups"].append("b")
    user.claims["b"] = 1
    user.claim("cognito:groups").append("b")
    assert user.claims == {"cognito:groups": ["a"]}
    assert (user.claim("cognito:groups"), user.claim("b")) == (["a"], None)


def test_a_principal_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        make_principal().sub = "another"  # type: ignore[misc]  # the point of the test
    with pytest.raises(FrozenInstanceError):
        object.__setattr__(make_principal(), "claims", {})


def test_principals_are_values() -> None:
    assert make_principal() == make_principal()
    assert len({make_principal(), make_principal()}) == 1
    assert replace(make_principal(), sub="t").claims == {"cognito:groups": ["a"]}
    assert not isinstance(vars(Principal)["claims"].__get__(None, Principal), dict)  # as tools read it


def test_the_repr_holds_no_claims() -> None:
    assert "ada@example.com" not in repr(make_principal(claims={"email": "ada@example.com"}))


def test_an_email_that_is_not_a_string_is_none() -> None:
    assert make_principal(claims={"email": ["ada@example.com"]}).email is None


@pytest.mark.parametrize(
    "form",
    [
        Principal,
        Principal | None,
        list[Principal],
        Annotated[Principal, Depends()],
        Annotated[Principal, "x"],
    ],
    ids=str,
)
def test_a_principal_cannot_be_forged_from_the_body_or_the_query(form: Any) -> None:
    async def route(user: Any) -> None:
        """Take any identity that a client sends."""

    route.__annotations__["user"] = form
    with pytest.raises(ConfigurationError, match="write `user: CurrentUser`"):
        FastAPI().get("/me")(route)


def test_a_subclass_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no subclasses"):

        class Mine(Principal):
            """Pydantic would build one from a request, by its own fields."""


def test_a_principal_can_be_returned_from_a_route(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))

    @app.get("/whole", response_model=None)
    async def whole(user: CurrentUser) -> Principal:
        return user

    answer = client_of(app).get("/whole", headers=bearer(pool.access_token("ada"))).json()
    assert answer["username"] == "ada"
    assert answer["claims"]["username"] == "ada"


def test_the_guard_adds_no_parameter_and_no_body_to_the_openapi_document(pool: FakeUserPool) -> None:
    guarded = build_app(guard_for(pool)).openapi()
    for path in guarded["paths"].values():
        for operation in path.values():
            assert "parameters" not in operation
            assert "requestBody" not in operation
    assert guarded["components"].keys() == {"securitySchemes"}


def test_the_aliases_are_annotations_of_principal() -> None:
    assert get_args(CurrentUser)[0] is Principal
    assert get_args(OptionalUser)[0] == Principal | None
