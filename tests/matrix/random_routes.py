"""Random apps whose routes have any requirements, each on a path of its own."""

from typing import Any

from fastapi import Depends, FastAPI, Security
from hypothesis import strategies as st

from fastapi_cognito_guard import (
    CognitoGuard,
    current_user,
    iam_identity,
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
from fastapi_cognito_guard.deploy import lambda_claims
from fastapi_cognito_guard.testing import FakeUserPool

POOL, OTHER = FakeUserPool("eu-west-1_Acme"), FakeUserPool("eu-west-1_Globex")
LEVELS = [f"urn:cognito:loa:{level}" for level in (1, 2, 3, 4)]


def is_owner(user: Any) -> bool:
    return False


REQUIREMENTS = [
    require_scope("o/r"), require_scope("o/w"), require_scope("o/r", "o/w"), require_group("admins"),
    require_group("admins", "owners"), require_claim("tier", "gold"), require_claim("tier", "gold", "iron"),
    require_claim("is_admin", True), require_claim("roles", "editor"), require_level(LEVELS[1]),
    require_level(LEVELS[2], max_age=300), require_level(LEVELS[2], max_age=60), require_direct(),
    require_actor("agent-1"), require_actor("agent-1", "agent-2"), require_pool(POOL.id),
    require_pool(OTHER.id), require(is_owner, name="owner"),
    require_scope("o/w") | require_group("admins"), require_level(LEVELS[3]) | require_direct(),
    require(is_owner, name="owner") | require_group("admins"),
]  # fmt: skip
REQUIRED = st.lists(st.sampled_from(REQUIREMENTS), max_size=3)
CALLERS = st.sampled_from(["none", "user", "optional", "security", "iam"])
ACCESS = st.tuples(CALLERS, REQUIRED)
USUAL: dict[str, Any] = {"semantics": "strict", "gateway": "trust", "token_use": {"access"}}
_GUARD = {
    "semantics": st.sampled_from(["strict", "rest", "http"]),
    "gateway": st.sampled_from(["trust", "require", "ignore"]),
    "token_use": st.sampled_from([{"access"}, {"id"}, {"access", "id"}]),
}
_LAMBDA = {"lambda_context": st.just(lambda_claims)}
_DENY = {"deny_by_default": st.just(True), "public": st.sampled_from([[], ["/0"]])}
SETTINGS = st.one_of(
    st.fixed_dictionaries(_GUARD, optional=_LAMBDA),
    st.fixed_dictionaries(_GUARD | _DENY, optional=_LAMBDA),
)


def list_dependencies(access: tuple[str, list[Any]]) -> list[Any]:
    """Return the dependencies of a route."""
    caller, requirements = access
    if caller == "iam":
        return [Depends(iam_identity)]
    own = {
        "none": [],
        "user": [Depends(current_user)],
        "optional": [Depends(optional_user)],
        "security": [Security(current_user, scopes=["o/w"])],
    }[caller]
    return [*own, *map(Depends, requirements)]


def build_app(routes: list[tuple[str, list[Any]]], **settings: Any) -> FastAPI:
    """Build an app with a route at ``/0``, ``/1`` and so on for each access."""
    app = FastAPI(openapi_url=None)
    token_use = settings.pop("token_use", {"access"})
    pools = [pool.user_pool(token_use=token_use) for pool in (POOL, OTHER)]
    types = {"is_admin": bool, "roles": list[str]}
    CognitoGuard(*pools, claim_types=types, **settings).install(app)
    for number, access in enumerate(routes):
        app.add_api_route(f"/{number}", answer, dependencies=list_dependencies(access))
    return app


async def answer() -> str:
    raise AssertionError("the function of a route ran")
