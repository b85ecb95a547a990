"""Recorder of the outcomes of requests, as the guards of this process decide them."""

from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from starlette.applications import Starlette
from starlette.types import Scope

from fastapi_cognito_guard.app.matching import find_requested_route
from fastapi_cognito_guard.decisions import Decision
from fastapi_cognito_guard.middleware import find_guard
from fastapi_cognito_guard.request_state import STATE, RequestState
from fastapi_cognito_guard.testing.authz_report.shape import AppShape
from fastapi_cognito_guard.testing.authz_report.tally import Tally

if TYPE_CHECKING:
    from fastapi import FastAPI

_SHAPE = "_fastapi_cognito_guard_shape"
_ROUTED = "fastapi"  # the key of what FastAPI's routing has found


class Recorder:
    """Observer of requests: see `observe_requests`."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._lock = Lock()  # tests may call apps from several threads

    def __call__(
        self, state: RequestState, scope: Scope, status: int | None, decision: Decision | None
    ) -> None:
        """Note the outcome of a request."""
        outermost = _find_outermost(state)
        app = outermost.app
        if not isinstance(app, Starlette) or scope.get(STATE) is not state:
            return  # not an app; or an app inside has a guard of its own, which tells more
        shape = self._shape_of(app)
        route = find_requested_route(app, _restore_scope(scope, app, outermost))
        if route is None:
            return
        found = shape.find(route, str(scope.get("method", "WebSocket")))
        if found is not None:
            place, outcomes = found
            outcome = outcomes.classify(state, status, decision)
            if outcome is not None:
                with self._lock:
                    self.tally.mark(shape.key, *place, outcome)

    def _shape_of(self, app: Starlette) -> AppShape:
        with self._lock:
            # In the app itself: a shape refers to endpoints, which may refer to the app. Both end together.
            shape = vars(app).get(_SHAPE)
            if not isinstance(shape, AppShape):
                shape = vars(app)[_SHAPE] = AppShape(cast("FastAPI", app))
            if shape.key not in self.tally.apps:
                self.tally.add_app(shape.key, shape.name, shape.list_places())
        return shape


def _find_outermost(state: RequestState) -> RequestState:
    """Return the state of the outermost app with a guard: the report has the paths that its clients use."""
    while state.outer is not None:
        state = state.outer
    return state


def _restore_scope(scope: Scope, app: Starlette, outermost: RequestState) -> dict[str, Any]:
    """Return the scope as ``app`` got it, before routing."""
    root_path = outermost.root_path if find_guard(app) else scope.get("app_root_path", outermost.root_path)
    return {name: scope[name] for name in scope if name != _ROUTED} | {"root_path": root_path}
