"""Events of a function that are no HTTP requests: a warmer's pings, and all that no web app can answer."""

from collections.abc import Callable
from typing import Any

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.validation import escape_for_log

OtherEvents = Callable[[Any, Any], Any]
"""Function of the developer's: ``other_events(event, context)`` returns the function's response."""

_SCHEDULES = ("aws.events", "aws.scheduler")  # EventBridge, and its Scheduler
_WARMERS = ("serverless-plugin-warmup",)
_FLAGS = ("warmer", "warmup")  # of lambda-warmer and of many by hand
_NO_PINGS = frozenset({"requestContext", "httpMethod", "rawPath", "headers", "Records"})
_MAX_LISTED = 10


def is_request(event: object) -> bool:
    """Return True for a request that Mangum takes: API Gateway, function URL, load balancer, Lambda@Edge."""
    if not isinstance(event, dict):
        return False
    context = event.get("requestContext")
    if isinstance(context, dict):
        return "elb" in context or "version" in event or "resource" in event
    records = event.get("Records")
    return isinstance(records, list) and bool(records) and isinstance(records[0], dict) and "cf" in records[0]


def is_ping(event: object) -> bool:
    """Return True for a warmer's ping and for a schedule's event; False if it has parts of a request."""
    if not isinstance(event, dict) or _NO_PINGS & event.keys():
        return False
    source = event.get("source")
    if source in _SCHEDULES:
        return bool(event.get("detail-type") == "Scheduled Event")
    return source in _WARMERS or any(event.get(flag) is True for flag in _FLAGS)


def make_event_error(event: object) -> ConfigurationError:
    """Return the error for an event that is neither a request nor a ping. It names the event's keys."""
    if isinstance(event, dict):
        names = ", ".join(escape_for_log(str(name)) for name in list(event)[:_MAX_LISTED])
        what = f"has the keys {names}" if names else "is empty"
    else:
        what = f"is of the type {type(event).__name__}"
    return ConfigurationError(
        f"The event {what}, and is no HTTP request: write lambda_handler(app, other_events=function), and "
        "function(event, context) gets each event that is none. Or remove the trigger that sends it.",
        setting="other_events",
    )
