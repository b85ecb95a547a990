"""Decisions: one per request, for the log, for ``on_decision``, for the counters and for observers."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from starlette.types import Scope

from fastapi_cognito_guard.dependants import find_path_template
from fastapi_cognito_guard.errors import AuthError, Forbidden, InsufficientLevel
from fastapi_cognito_guard.log_records import write_record
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.request_state import RequestState
from fastapi_cognito_guard.settings import check_sync
from fastapi_cognito_guard.validation import CALLBACK_ERRORS, escape_for_log, escape_word, loggable_claims

logger = logging.getLogger("fastapi_cognito_guard")

ALLOWED = "allowed"
_MAX_METHOD = 32
Outcome = Literal["allowed", "refused"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Outcome of one request.

    ``outcome``    ``"allowed"`` or ``"refused"``
    ``code``       ``"allowed"``, or the refusal's stable code: ``"token_expired"``
    ``status``     the status that the client gets, 101 for an accepted WebSocket; None if no response was
                   started: the app failed, or closed the connection
    ``reason``     the cause of a refusal and the next step; empty if the request was allowed
    ``method``     of the request; ``"WebSocket"`` for one
    ``route``      the route's template with the mounts around it, ``/shop/orders/{id}``; None if no route
                   was reached
    ``principal``  the caller, or None if no identity was proven
    ``about``      loggable facts of the caller: ``sub``, ``client_id``, ``token_use``, ``jti``, ``kid``,
                   ``source``; ``actor`` if one acts for the user; ``user_arn`` of an IAM caller; facts
                   without a verified signature begin with ``unverified_``
    ``required``   the values of which any one would have been enough
    ``missing``    those of them that the caller lacks
    ``requirement``  the requirement that the caller does not meet; None for any other cause

    A decision never holds a token, an email address or a phone number.
    """

    outcome: Outcome
    code: str
    status: int | None
    reason: str
    method: str
    route: str | None
    principal: Principal | None
    about: Mapping[str, str]
    required: tuple[str, ...]
    missing: tuple[str, ...]
    requirement: Requirement | None = None

    @property
    def extra(self) -> dict[str, Any]:
        """Facts as a flat mapping: the attributes of the log record."""
        return {
            "outcome": self.outcome,
            "code": self.code,
            "status": self.status,
            "route": self.route,
            "required": list(self.required),
            "missing": list(self.missing),
            **self.about,
        }


OnDecision = Callable[[Decision], object]
Observer = Callable[[RequestState, Scope, int | None, Decision | None], object]

_observers: list[Observer] = []


@contextmanager
def observe_requests(observer: Observer) -> Iterator[None]:
    """Call ``observer`` about the requests to all guards of this process within the block.

    For tools of tests. It gets the state, scope and status of the request, and its `Decision`: None if no
    identity was asked for or needed. It may be called from several threads, and more than once about a
    request without a decision. Its exceptions are only logged.
    """
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)


class Decisions:
    """Decisions of one guard."""

    def __init__(self, on_decision: OnDecision | None, *, observed: bool = True) -> None:
        """``observed``: tell observers, too.

        Raises `ConfigurationError` for a coroutine function, which would never be awaited.
        """
        check_sync("on_decision", on_decision)
        self._observers = _observers if observed else []
        self._on_decision = on_decision
        self.counts: Counter[str] = Counter()

    def record_outcome(self, state: RequestState, scope: Scope, status: int | None) -> None:
        """Record the decision of a request whose response starts, once; none without a caller or an error."""
        if state.recorded:
            return
        if state.error is not None:  # a handler of the app has answered
            self.record_refusal(state, scope, state.error, status)
        elif state.principal is not None or state.user_arn is not None:
            state.recorded = True
            self.counts[ALLOWED] += 1
            if self._on_decision is not None or self._observers or logger.isEnabledFor(logging.INFO):
                decision = _build_decision(state, scope, None, status)
                self._log_allowed(decision, scope)
                _tell(self._observers, state, scope, status, decision)
        else:
            _tell(self._observers, state, scope, status, None)

    def record_refusal(self, state: RequestState, scope: Scope, error: AuthError, status: int | None) -> None:
        """Record that a request was answered with ``status`` instead of by its route."""
        state.recorded = True
        self.counts[error.code] += 1
        decision = _build_decision(state, scope, error, status)
        write_record(
            logger,
            logging.WARNING,
            "%s %s refused with %s: %s: %s",
            *_name_request(decision, scope),
            status or "no response",
            error.code,
            error.reason,
            extra=decision.extra,
        )
        self._notify(decision)
        _tell(self._observers, state, scope, status, decision)

    def _log_allowed(self, decision: Decision, scope: Scope) -> None:
        if logger.isEnabledFor(logging.INFO):
            shown = _name_request(decision, scope)
            write_record(logger, logging.INFO, "%s %s allowed", *shown, extra=decision.extra)
        self._notify(decision)

    def _notify(self, decision: Decision) -> None:
        """Call ``on_decision``. If it fails, the client's answer stays the same."""
        if self._on_decision is not None:
            try:
                self._on_decision(decision)
            except CALLBACK_ERRORS:
                write_record(logger, logging.ERROR, "on_decision failed", exc_info=True)


def _name_request(decision: Decision, scope: Scope) -> tuple[str, str]:
    """Return the method, and the route or else the path, each as one word: both may be a client's text."""
    return escape_word(decision.method), escape_word(decision.route or scope["path"])


def _tell(
    observers: Sequence[Observer],
    state: RequestState,
    scope: Scope,
    status: int | None,
    decision: Decision | None,
) -> None:
    """Call all observers. If one fails, the client's answer stays the same."""
    for observer in tuple(observers):
        try:
            observer(state, scope, status, decision)
        except CALLBACK_ERRORS:
            write_record(logger, logging.ERROR, "an observer of requests failed", exc_info=True)


def _build_decision(
    state: RequestState, scope: Scope, error: AuthError | None, status: int | None
) -> Decision:
    required, missing = _list_names(error)
    requirement = error.requirement if error is not None else None
    return Decision(
        outcome="allowed" if error is None else "refused",
        code=ALLOWED if error is None else error.code,
        status=status,
        reason="" if error is None else error.reason,
        method=str(scope.get("method", "WebSocket"))[:_MAX_METHOD],
        route=find_path_template(scope),
        principal=state.principal,
        about=_describe(state) if error is None or not error.about else error.about,
        required=required,
        missing=missing,
        requirement=requirement if isinstance(requirement, Requirement) else None,
    )


def _list_names(error: AuthError | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the values that would have been enough, and those of them that the caller lacks."""
    if isinstance(error, Forbidden):
        return error.required, error.missing
    return (error.levels, error.levels) if isinstance(error, InsufficientLevel) else ((), ())


def _describe(state: RequestState) -> Mapping[str, str]:
    principal = state.principal
    if principal is None:
        return {} if state.user_arn is None else {"user_arn": escape_for_log(state.user_arn)}
    kid = {} if state.kid is None else {"kid": escape_for_log(state.kid)}
    jti = {"jti": principal.claim("jti"), "act": principal.claim("act")}
    named = {"sub": principal.sub, "client_id": principal.client_id, "token_use": principal.token_use}
    return {**loggable_claims({**named, **jti}), **kid, "source": principal.source}
