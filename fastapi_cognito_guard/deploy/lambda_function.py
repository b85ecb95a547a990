"""The app as a Lambda function: Mangum, with a lifespan and paths as under a server, and other events."""

import asyncio
import logging
import os
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal
from weakref import finalize

from starlette.applications import Starlette
from starlette.types import ASGIApp

from fastapi_cognito_guard.deploy.mounted_app import MountedApp
from fastapi_cognito_guard.deploy.other_events import OtherEvents, is_ping, is_request, make_event_error
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.middleware import find_guard
from fastapi_cognito_guard.settings import check_sync

if TYPE_CHECKING:
    from fastapi import FastAPI
    from mangum.protocols import LifespanCycle

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
Lifespan = Literal["auto", "on", "off"]

logger = logging.getLogger("fastapi_cognito_guard.lambda")

_ON_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME"
_INIT = 8.0  # seconds; Lambda's init phase has 10
# Loops of dropped functions that were their thread's current one. They are closed once it has another.
_current_loops: list[asyncio.AbstractEventLoop] = []


def lambda_handler(
    app: "FastAPI",
    *,
    base_path: str | None = None,
    lifespan: Lifespan = "auto",
    other_events: OtherEvents | None = None,
    warm_up: bool = False,
    environ: Mapping[str, str] = os.environ,
    **mangum: Any,
) -> Handler:
    """Return the handler for a function behind a REST API, an HTTP API, a function URL or a load balancer.

    ``base_path``     the path before the app's own in the address that clients use: ``"/v1"`` for a base
                      path or mapping key of a custom domain, ``""`` for none (CloudFront with the stage as
                      its origin path). By default it is read from each event, or is the app's ``root_path``
    ``lifespan``      ``"off"`` does not run the app's lifespan; ``"on"`` requires that the app has one
    ``other_events``  ``other_events(event, context)`` answers events that are no HTTP requests: schedules,
                      queues, WebSocket messages, a warmer's pings
    ``warm_up``       True fetches the guard's keys on Lambda during init, where a function has more CPU: for
                      functions that verify tokens themselves. If that fails, or takes more than 8 seconds,
                      the first request fetches them
    ``mangum``        other arguments of Mangum

    Without ``other_events``, a warmer's ping or a schedule runs the app's startup and fetches the guard's
    keys, and any other event that is no request raises a `ConfigurationError`.

    The app's startup runs once per execution environment, in the handler's own event loop: on Lambda during
    init, elsewhere before the first event. If it fails, that invocation fails with the startup's own
    exception, and the next one tries again. The shutdown runs when the interpreter ends, which Lambda does
    not promise. It fails if a route depends on the caller and the app has no guard.

    Raises `ConfigurationError` for an argument that cannot be right.
    """
    if "api_gateway_base_path" in mangum:
        raise ConfigurationError(
            "lambda_handler keeps the stage and the base path itself: write base_path= instead of "
            "api_gateway_base_path=."
        )
    if lifespan not in ("auto", "on", "off"):
        raise ConfigurationError('lifespan is "auto", "on" or "off".', setting="lifespan")
    if base_path and (not base_path.startswith("/") or base_path.endswith("/")):
        raise ConfigurationError(
            'base_path starts with a slash and does not end with one: "/v1". Write "" for no base path.',
            setting="base_path",
        )
    check_sync("other_events", other_events)
    function = LambdaFunction(
        app, base_path=base_path, lifespan=lifespan, options=mangum, other_events=other_events
    )
    if environ.get(_ON_LAMBDA) and lifespan != "off":
        function.start_early()
    if environ.get(_ON_LAMBDA) and warm_up:
        function.warm_up_early()
    return function


class LambdaFunction:
    """An app with an event loop of its own, which all invocations share.

    Mangum takes the thread's current loop, which ``asyncio.run`` of any other code closes.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        base_path: str | None,
        lifespan: Lifespan,
        options: Mapping[str, Any],
        other_events: OtherEvents | None = None,
    ) -> None:
        from mangum import Mangum

        self._mounted = MountedApp(app, base_path)
        self._lifespan: Lifespan = lifespan
        self._other_events = other_events
        self._is_checked = False
        self._runtime = _Runtime()
        finalize(self, self._runtime.close)  # also when the interpreter ends
        _use(self._runtime.loop)
        asgi: Any = self._mounted  # Mangum asks for coroutines where Starlette says awaitables
        self._mangum = Mangum(asgi, lifespan="off", **options)

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        if self._lifespan == "off":
            self._check_guard()
        else:
            self.start()
        _use(self._runtime.loop)
        if is_request(event) or self._has_own_handler(event, context):
            return self._mangum(event, context)
        answer: dict[str, Any] = self._answer_other(event, context)  # any value, from other_events
        return answer

    def start(self) -> None:
        """Run the app's startup, unless it has run. Raises the exception of a startup that fails."""
        if self._runtime.cycle is None:
            self._check_guard()
            mode: Lifespan = "on" if self._lifespan == "on" else "auto"
            self._mounted.state = self._runtime.start(self._mounted.app, mode)

    def start_early(self) -> None:
        """Run the app's startup ahead of the first event. If it fails, the first event tries again."""
        try:
            self.start()
        except Exception:
            logger.exception("The app's startup failed: the first invocation tries again.")

    def warm_up_early(self) -> None:
        """Fetch the guard's keys ahead of the first event. If that fails, the first request fetches them."""
        _use(self._runtime.loop)
        try:
            warm = self._warm_up(seconds=_INIT)
        except Exception:
            logger.exception("The keys could not be fetched: the first request fetches them.")
        else:
            if not warm:
                logger.warning("The keys could not be fetched: the first request fetches them.")

    def stop(self) -> None:
        """Run the app's shutdown, if its startup has run."""
        self._mounted.state = None
        self._runtime.stop()

    def _check_guard(self) -> None:
        """Raise `ConfigurationError`, ahead of the first event, if a route needs a guard that is missing."""
        if not self._is_checked:
            app: Any = self._mounted.app
            if hasattr(app, "dependency_overrides"):  # a FastAPI app
                from fastapi_cognito_guard.audit import check_guard_is_installed

                check_guard_is_installed(app)
            self._is_checked = True

    def _has_own_handler(self, event: Any, context: Any) -> bool:
        handlers = self._mangum.custom_handlers
        return any(handler.infer(event, context, self._mangum.config) for handler in handlers)

    def _answer_other(self, event: Any, context: Any) -> Any:
        if self._other_events is not None:
            return self._other_events(event, context)
        if is_ping(event):
            warm = self._warm_up()
            logger.debug("A warmer's ping: the function %s warm.", "is" if warm else "is not yet")
            return {"warm": warm}
        raise make_event_error(event)

    def _warm_up(self, *, seconds: float | None = None) -> bool:
        """Fetch the keys of the app's guard. Return False if some are not available, or not in time."""
        app: object = self._mounted.app
        guard = find_guard(app) if isinstance(app, Starlette) else None
        if not isinstance(guard, CognitoGuard):
            return True
        try:
            return self._runtime.loop.run_until_complete(asyncio.wait_for(guard.warm_up(), seconds))
        except TimeoutError:
            return False


class _Runtime:
    """An event loop, and the lifespan that runs in it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.cycle: LifespanCycle | None = None

    def start(self, app: ASGIApp, lifespan: Lifespan) -> Mapping[str, Any]:
        """Run the app's startup, and return the state that it leaves to requests."""
        from mangum.exceptions import LifespanFailure
        from mangum.protocols import LifespanCycle

        _use(self.loop)
        asgi: Any = app
        cycle = LifespanCycle(asgi, lifespan)
        try:
            cycle.__enter__()
        except LifespanFailure as failure:
            cause = cycle.exception.__context__ if cycle.exception is not None else None
            raise (failure if cause is None else cause) from None
        self.cycle = cycle
        return cycle.lifespan_state

    def stop(self) -> None:
        """Run the app's shutdown, if its startup has run."""
        cycle, self.cycle = self.cycle, None
        if cycle is not None:
            cycle.__exit__(None, None, None)

    def close(self) -> None:
        """Stop, and close the loop, unless it is the thread's current one."""
        try:
            if not _is_in_a_loop():
                self.stop()
        except Exception:
            logger.exception("The app's shutdown failed.")
        if self.loop is _find_current_loop():
            _current_loops.append(self.loop)
        else:
            self.loop.close()


def _use(loop: asyncio.AbstractEventLoop) -> None:
    """Make a loop the thread's current one, and close loops that were left open only for that."""
    asyncio.set_event_loop(loop)
    while _current_loops:
        _current_loops.pop().close()


def _find_current_loop() -> asyncio.AbstractEventLoop | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and 3.13, where there is none
        try:
            return asyncio.get_event_loop()
        except RuntimeError:
            return None


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
