"""Claims as a pydantic model: the same at every door, with advice where it could not be, and refusals."""

import json
from typing import Any, Self

import pytest
from fastapi import FastAPI
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, RootModel, field_validator

from fastapi_cognito_guard import CurrentUser, Decision, lambda_handler
from fastapi_cognito_guard.errors import ClaimInvalid, ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool, Flavour
from tests.apps import bearer, client_of, guard_for
from tests.test_principal import make_principal


class Profile(BaseModel):
    """Fields of Cognito's claims, of an attribute, and of claims that a trigger adds."""

    email: str
    email_verified: bool
    groups: frozenset[str] = Field(frozenset(), alias="cognito:groups")
    level: int = Field(0, alias="custom:level")
    is_admin: bool = False
    roles: list[str] = []
    nickname: str = "none"


CLAIMS: dict[str, Any] = {
    "email": "ada@example.com", "email_verified": True, "custom:level": "3", "is_admin": True,
    "roles": ["editor", "viewer"], "nickname": None,
}  # fmt: skip
PROFILE: dict[str, Any] = {
    "email": "ada@example.com", "email_verified": True, "groups": ["admins"], "level": 3, "is_admin": True,
    "roles": ["editor", "viewer"], "nickname": "none",
}  # fmt: skip
DOORS: list[Flavour | None] = [None, "rest", "rest-jwt", "http", "http-1.0", "lambda", "lambda-2.0"]


class ProfileApp:
    """App that answers with the caller's claims as a `Profile`, at any door."""

    def __init__(self, pool: FakeUserPool) -> None:
        self.pool = pool
        self.decisions: list[Decision] = []
        self.app = FastAPI()
        guard = guard_for(
            pool,
            user_pool={"token_use": {"id", "access"}},
            claim_types={"is_admin": bool, "roles": list[str]},
            on_decision=self.decisions.append,
        )
        guard.install(self.app)

        @self.app.get("/profile", response_model_by_alias=False)
        async def profile(user: CurrentUser) -> Profile:
            return user.claims_as(Profile)

    def call(self, door: Flavour | None, token: str) -> tuple[int, Any]:
        """Return the status and the content. None as the door: without a gateway."""
        if door is None:
            answer = client_of(self.app).get("/profile", headers=bearer(token))
            return answer.status_code, answer.json()
        event = self.pool.event(door, token, path="/profile")
        result = lambda_handler(self.app)(event, None)
        return result["statusCode"], json.loads(result["body"])


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_claims_become_the_same_model_at_every_door(pool: FakeUserPool, door: Flavour | None) -> None:
    token = pool.id_token("ada", groups=["admins"], claims=CLAIMS)
    assert ProfileApp(pool).call(door, token) == (200, PROFILE)


@pytest.mark.parametrize("door", DOORS, ids=str)
@pytest.mark.parametrize(
    ("claims", "named"),
    [
        ({"custom:level": "x-secret"}, "custom:level (int_parsing)"),
        ({"email": None}, "email (missing)"),
    ],
    ids=["wrong type", "missing"],
)
def test_claims_that_do_not_fit_are_refused_alike_at_every_door(
    pool: FakeUserPool,
    caplog: pytest.LogCaptureFixture,
    door: Flavour | None,
    claims: dict[str, Any],
    named: str,
) -> None:
    profile = ProfileApp(pool)
    status, content = profile.call(door, pool.id_token("ada", claims={**CLAIMS, **claims}))
    assert status == 401
    assert [decision.code for decision in profile.decisions] == ["claim_invalid"]
    assert named in caplog.text
    assert "x-secret" not in caplog.text + str(content)  # values of claims are personal


def test_an_access_token_without_the_attributes_is_refused_and_not_an_error(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    assert ProfileApp(pool).call(None, pool.access_token("ada"))[0] == 401
    assert "email (missing), email_verified (missing). Send the token that has these claims" in caplog.text


class Reader(BaseModel):
    """Model that sees the claims as older versions of pydantic do: a dict, past its methods."""

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        return super().model_validate({**obj}, **options)


class ByName(Reader):
    plan: dict[str, Any] = {}


class ByAlias(Reader):
    mine: dict[str, Any] = Field({}, alias="plan")


class ByChoice(Reader):
    mine: str = Field("free", validation_alias=AliasChoices("tier", AliasPath("plan", "name")))


class ByPath(Reader):
    mine: str = Field("free", validation_alias=AliasPath("plan", "name"))


class ByGenerator(Reader):
    model_config = ConfigDict(alias_generator=lambda name: name.removeprefix("my_"), defer_build=True)
    my_plan: dict[str, Any] = {}


@pytest.mark.parametrize("model", [ByName, ByAlias, ByChoice, ByPath, ByGenerator])
def test_a_default_does_not_stand_in_for_a_claim_that_must_be_declared_first(model: type[BaseModel]) -> None:
    claims = {"sub": "s", "plan": {"name": "gold"}}
    with pytest.raises(ConfigurationError, match=r'claim_types=\{"plan": dict\}') as refused:
        make_principal(claims=claims).claims_as(model)
    assert refused.value.setting == "claim_types"
    read = make_principal(claims=claims, claim_types={"plan": dict}).claims_as(model).model_dump()
    assert "gold" in str(read)


def test_an_object_that_a_gateway_writes_unreadably_is_advice_and_not_a_default() -> None:
    user = make_principal(claims={"address": "map[country:de]"}, source="http")

    class Place(Reader):
        country: str = Field("unknown", validation_alias=AliasPath("address", "country"))

    with pytest.raises(ConfigurationError, match='gateway="verify"'):
        user.claims_as(Place)


def test_a_claim_that_is_null_counts_as_absent() -> None:
    class Nullable(BaseModel):
        nickname: str = "none"
        tier: str | None

    user = make_principal(claims={"nickname": None, "tier": "gold"})
    assert user.claims_as(Nullable).nickname == "none"
    with pytest.raises(ClaimInvalid, match="tier \\(missing\\)"):
        make_principal(claims={"tier": None}).claims_as(Nullable)


def test_claims_that_no_field_reads_need_no_declaration() -> None:
    class Nothing(BaseModel): ...

    class Everything(RootModel[dict[str, Any]]): ...

    user = make_principal(claims={"sub": "s", "plan": {"name": "gold"}})
    assert user.claims_as(Nothing) == Nothing()
    assert user.claims_as(Everything).root == {"sub": "s"}  # as a copy of `claims`


def test_a_validator_reads_and_changes_only_a_copy_of_the_claims() -> None:
    class Greedy(BaseModel):
        roles: list[str] = []

        @field_validator("roles")
        @classmethod
        def add(cls, roles: list[str]) -> list[str]:
            roles.append("admin")
            return roles

    user = make_principal(claims={"roles": ["viewer"]}, claim_types={"roles": list[str]})
    assert user.claims_as(Greedy).roles == ["viewer", "admin"]
    assert user.claims == {"roles": ["viewer"]}


def test_the_text_of_a_validator_is_not_in_the_reason() -> None:
    class Strict(BaseModel):
        email: str

        @field_validator("email")
        @classmethod
        def refuse(cls, email: str) -> str:
            raise ValueError(f"no such user: {email}")

    with pytest.raises(ClaimInvalid) as refused:
        make_principal(claims={"email": "ada@example.com"}).claims_as(Strict)
    assert "the claims do not fit Strict: email (value_error)." in refused.value.reason
    assert refused.value.__suppress_context__  # a log of the error shows no value either
    assert "ada@" not in refused.value.reason


def test_names_of_claims_cannot_break_the_line_of_the_log() -> None:
    class Closed(BaseModel):
        model_config = ConfigDict(extra="forbid")

    claims = {"a\nb": "1", **{f"c{number}": "1" for number in range(100)}}
    with pytest.raises(ClaimInvalid) as refused:
        make_principal(claims=claims).claims_as(Closed)
    assert r"a\nb (extra_forbidden)" in refused.value.reason
    assert refused.value.reason.count("extra_forbidden") == 8


@pytest.mark.parametrize("wrong", [dict, int, Profile.model_construct(), None, "Profile"], ids=repr)
def test_a_class_that_is_no_model_is_advice(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="claims_as"):
        make_principal().claims_as(wrong)
