"""Mistakes in the definition of routes: each fails, before any request, with what to write instead."""

from collections.abc import Callable
from typing import Annotated, Any, cast

import pytest
from fastapi import Depends, FastAPI, Security

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    IamCaller,
    OptionalUser,
    Principal,
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
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import bearer, client_of, guard_for

GUARD = CognitoGuard(FakeUserPool().user_pool())
SCOPE: Any = require_scope("a")
USER = "Write `user: CurrentUser` for a parameter, and Depends(current_user) in a list of dependencies."
NO_GUARD = "A guard is no dependency: write guard.install(app) once"
DECORATOR = "A requirement is no decorator: write @app.get"


def define(*, default: Any = ..., annotation: Any = ..., listed: Any = None) -> Callable[[FastAPI], object]:
    """Return the definition of a route with one parameter, or with one item in its list of dependencies."""

    def define_route(app: FastAPI) -> None:
        async def route(user: Any = None) -> str:
            return "reached"

        if default is not ...:
            route.__defaults__ = (default,)
        if annotation is not ...:
            route.__annotations__["user"] = annotation
        app.get("/x", dependencies=None if listed is None else [listed])(route)

    return define_route


async def endpoint(order_id: str) -> str:
    return order_id


AT_DEFINITION: dict[str, tuple[Callable[[Any], object], str]] = {
    "Depends(CurrentUser)": (define(default=Depends(CurrentUser)), USER),
    "Security(CurrentUser)": (define(default=Security(CurrentUser, scopes=["a"])), USER),
    "Depends(CurrentUser) in a list": (define(listed=Depends(CurrentUser)), USER),
    "Depends(OptionalUser)": (define(default=Depends(cast(Any, OptionalUser))), "Write `user: OptionalUser`"),
    "Depends(IamCaller)": (define(default=Depends(IamCaller)), "Write `caller: IamCaller`"),
    "user: current_user": (define(annotation=current_user), USER),
    "user: optional_user": (define(annotation=optional_user), "Write `user: OptionalUser`"),
    "user: iam_identity": (define(annotation=iam_identity), "Write `caller: IamCaller`"),
    "user: require_scope(...)": (
        define(annotation=SCOPE),
        "Annotated[Principal, Depends(require_scope('a'))]",
    ),
    "Annotated without Depends": (
        define(annotation=Annotated[Principal, SCOPE]),
        "Annotated[Principal, Depends(require_scope('a'))]",
    ),
    "Depends(guard)": (define(default=Depends(GUARD)), NO_GUARD),
    "Depends(guard) in a list": (define(listed=Depends(GUARD)), NO_GUARD),
    "guard in a list": (define(listed=GUARD), NO_GUARD),
    "Depends(CognitoGuard)": (define(default=Depends(CognitoGuard)), NO_GUARD),
    "user: CognitoGuard": (define(annotation=CognitoGuard), NO_GUARD),
    "guard(app)": (GUARD, NO_GUARD),
    "Depends(require_scope)": (
        define(listed=Depends(require_scope)),
        'Depends(require_scope("orders/read"))',
    ),
    "Depends(require_group)": (define(listed=Depends(require_group)), 'Depends(require_group("admins"))'),
    "Depends(require_claim)": (define(listed=Depends(require_claim)), "Depends(require_claim("),
    "Depends(require_level)": (define(listed=Depends(require_level)), "Depends(require_level("),
    "Depends(require_actor)": (define(listed=Depends(require_actor)), "Depends(require_actor("),
    "Depends(require_direct)": (define(listed=Depends(require_direct)), "Depends(require_direct())"),
    "Depends(require_pool)": (define(listed=Depends(require_pool)), "Depends(require_pool("),
    "Depends(require)": (define(listed=Depends(require)), "Depends(require(is_owner"),
    "@require_scope(...)": (lambda app: SCOPE(endpoint), DECORATOR),
    "@require_scope": (lambda app: require_scope(endpoint), "It is no decorator"),  # type: ignore[arg-type]  # the mistake
    "@require_direct": (lambda app: require_direct(endpoint), "Depends(require_direct())"),  # type: ignore[arg-type]  # the mistake
    "@current_user": (lambda app: current_user(endpoint), USER),  # type: ignore[arg-type,call-arg]  # the mistake
    "current_user()": (lambda app: current_user(), USER),  # type: ignore[call-arg]  # the mistake
    "require_scope([...])": (lambda app: require_scope(["a"]), "Leave out the list around them."),  # type: ignore[arg-type]  # the mistake
    "require_group([...])": (lambda app: require_group(["a"]), "Leave out the list around them."),  # type: ignore[arg-type]  # the mistake
    "require_claim(..., [...])": (lambda app: require_claim("a", ["b"]), "Leave out the list around them."),  # type: ignore[arg-type]  # the mistake
    "&": (lambda app: SCOPE & require_group("b"), "Depends(require_scope('a')), Depends(require_group('b'))"),
}
AT_START: dict[str, tuple[Callable[[Any], object], str]] = {
    "= current_user": (define(default=current_user), f"does not run the default of 'user'. {USER}"),
    "= CurrentUser": (define(default=CurrentUser), f"does not run the default of 'user'. {USER}"),
    "= require_scope(...)": (define(default=SCOPE), "does not run the default of 'user'. Write Depends("),
    "Depends(guard.identify)": (
        define(listed=Depends(GUARD.identify)),
        f"Depends(guard.identify): {NO_GUARD}",
    ),
    "Depends(guard.verify)": (define(listed=Depends(GUARD.verify)), f"Depends(guard.verify): {NO_GUARD}"),
    "@require": (lambda app: app.get("/x")(require(endpoint)), DECORATOR),  # type: ignore[arg-type]  # the mistake
}


@pytest.mark.parametrize("mistake", AT_DEFINITION)
def test_a_mistake_that_a_signature_shows_fails_at_its_own_line(mistake: str) -> None:
    make, advice = AT_DEFINITION[mistake]
    with pytest.raises(ConfigurationError) as caught:
        make(FastAPI())
    assert advice in str(caught.value)


@pytest.mark.parametrize("mistake", AT_START)
def test_a_mistake_that_fastapi_takes_fails_when_the_app_starts(mistake: str, pool: FakeUserPool) -> None:
    make, advice = AT_START[mistake]
    app = FastAPI()
    guard_for(pool).install(app)
    make(app)
    with pytest.raises(ConfigurationError) as caught, client_of(app):
        pass
    assert str(caught.value).startswith("GET /x: ")
    assert advice in str(caught.value)


def test_what_is_written_well_is_still_taken(pool: FakeUserPool) -> None:
    app = FastAPI(dependencies=[Depends(current_user)])
    guard_for(pool).install(app)

    @app.get("/x", dependencies=[Security(SCOPE, scopes=["b"]), Depends(require_direct())])
    async def route(
        user: CurrentUser, same: OptionalUser, again: Annotated[Principal, Depends(SCOPE)]
    ) -> bool:
        return user is same is again

    client = client_of(app)
    assert client.get("/x").status_code == 401
    assert client.get("/x", headers=bearer(pool.access_token(scopes=["a"]))).status_code == 403
    assert client.get("/x", headers=bearer(pool.access_token(scopes=["a", "b"]))).json() is True


def test_the_guard_is_no_middleware() -> None:
    app = FastAPI()
    app.add_middleware(CognitoGuard)  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ConfigurationError, match=r"no middleware: .*\.install\(app\)"), client_of(app):
        pass
