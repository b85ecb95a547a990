"""Asking whether a token was revoked: deadline, failures and remembered answers."""

import logging
from collections.abc import Awaitable, Callable
from inspect import isclass, iscoroutinefunction
from typing import Literal, get_args

import anyio

from fastapi_cognito_guard.errors import AuthError, ConfigurationError, RevocationUnavailable, TokenRevoked
from fastapi_cognito_guard.log_records import write_record
from fastapi_cognito_guard.network_errors import describe_failure
from fastapi_cognito_guard.principal import Principal, copy_all_claims
from fastapi_cognito_guard.revocation.answers import Answers
from fastapi_cognito_guard.settings import check_choice, check_seconds, check_whole_number
from fastapi_cognito_guard.validation import loggable_claims

RevokedCheck = Callable[[Principal], Awaitable[bool]]
"""An async function that returns True if the caller's token was revoked, else False."""

OnError = Literal["refuse", "accept"]

_MOST_SECONDS = 3600.0
_LONGEST_DEADLINE = 60.0

logger = logging.getLogger("fastapi_cognito_guard")


class Revocation:
    """Settings for asking ``check`` about each token.

    ``check``         async; gets the `Principal`, and returns True if its token was revoked, else False. An
                      `AuthError` that it raises is the refusal
    ``on_error``      what to do if it fails, or has no answer in time: ``"refuse"`` the request with 503, or
                      ``"accept"`` the token, and log a warning
    ``deadline``      seconds to wait for an answer
    ``keep_valid``    seconds for which "not revoked" counts without asking again. A token that is revoked
                      meanwhile is accepted that much longer
    ``keep_revoked``  seconds for which "revoked" counts without asking again
    ``remember``      how many answers to keep; 0 for none. They are kept under a hash of the token's claims

    Raises `ConfigurationError` for a setting that cannot be right.
    """

    def __init__(
        self,
        check: RevokedCheck,
        *,
        on_error: OnError = "refuse",
        deadline: float = 0.5,
        keep_valid: float = 0,
        keep_revoked: float = 60,
        remember: int = 4096,
    ) -> None:
        _check_async(check)
        check_choice("on_error", on_error, get_args(OnError))
        check_seconds("deadline", deadline, _LONGEST_DEADLINE, above_zero=True)
        check_seconds("keep_valid", keep_valid, _MOST_SECONDS)
        check_seconds("keep_revoked", keep_revoked, _MOST_SECONDS)
        check_whole_number("remember", remember, 0)
        self._check = check
        self._deadline = deadline
        self._on_error: OnError = on_error
        self._answers = Answers(remember, keep_valid=keep_valid, keep_revoked=keep_revoked)

    async def refuse_revoked(self, principal: Principal) -> None:
        """Check that the principal's token was not revoked.

        Raises `TokenRevoked`, or `RevocationUnavailable` if that cannot be found out.
        """
        revoked = self._answers.find(principal)
        try:
            if revoked is None:
                revoked = await self._ask(principal)
            if revoked:
                raise TokenRevoked("the token was revoked before its expiry: sign in again.")
        except AuthError as error:
            error.about = {**loggable_claims(copy_all_claims(principal)), "source": principal.source}
            raise

    async def _ask(self, principal: Principal) -> bool:
        """Return the check's answer, and keep it. A failure is no answer, and is not kept."""
        try:
            with anyio.fail_after(self._deadline):
                answer: object = await self._check(principal)
        except AuthError:
            raise
        except (Exception, SystemExit) as error:
            self._handle_failure(describe_failure(error))
            return False
        if answer is not True and answer is not False:  # no outage, and so never accepted
            raise RevocationUnavailable(
                f"the check for revoked tokens returned {type(answer).__name__}: return True or False."
            )
        self._answers.keep(principal, answer)
        return answer

    def _handle_failure(self, cause: str) -> None:
        """Return if the token is to be accepted nevertheless. Raises `RevocationUnavailable` if not."""
        failed = f"the check for revoked tokens failed ({cause}): see if its store can be reached"
        if self._on_error == "refuse":
            raise RevocationUnavailable(f"{failed}.") from None
        write_record(logger, logging.WARNING, "%s. The token was accepted unasked.", failed)


def build_revocation(revoked: "RevokedCheck | Revocation | None") -> Revocation | None:
    """Return the settings for asking a check: its own, or the usual ones."""
    return revoked if revoked is None or isinstance(revoked, Revocation) else Revocation(revoked)


def _check_async(check: object) -> None:
    # A sync function would stop the event loop while it waits for a store, and no deadline could end it.
    method = getattr(check, "__call__", None)  # noqa: B004 - of an object, to see if it is async
    if isclass(check) or not (iscoroutinefunction(check) or iscoroutinefunction(method)):
        raise ConfigurationError(
            "revoked is an async function that gets the principal and returns True or False: "
            "async def is_revoked(user) -> bool, or Denylist(...).",
            setting="revoked",
        )
