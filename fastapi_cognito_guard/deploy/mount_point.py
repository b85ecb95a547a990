"""The mount point of an app behind a gateway: the part of a path that is the gateway's, not the app's."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_PARAMETER = re.compile(r"{([^}+]+)\+?}")


class MountPoint(NamedTuple):
    """``prefix`` precedes the app's path in the event, ``root`` in the address that the client used."""

    prefix: str = ""
    root: str = ""


def find_mount_point(event: Mapping[str, Any], path: str) -> MountPoint:
    """Find the stage, base path or mapping key before the app's own path. ``path`` is the event's.

    The gateway names the route that it matched. Its path ends the event's path, and what precedes it is the
    mount point. A catch-all route (``$default``) names no path: there only the stage is known, which stands
    in the path on API Gateway's own domain. On a custom domain the same text is the app's own.
    """
    context = event.get("requestContext")
    context = context if isinstance(context, dict) else {}
    stage = f"/{context.get('stage')}" if context.get("stage") not in (None, "", "$default") else ""
    if stage and context.get("path") == stage + str(event.get("path")):
        return MountPoint("", stage)  # only the context's path has the stage: REST APIs, and payload 1.0
    own_domain = ".execute-api." in str(context.get("domainName"))
    prefix = _find_prefix(event, path)
    if prefix is None:
        prefix = stage if stage and own_domain and is_under(path, stage) else ""
    if "rawPath" in event and not own_domain and stage and is_under(prefix, stage):
        return MountPoint(prefix, prefix[len(stage) :])  # the event has the stage, the address has not
    return MountPoint(prefix, prefix)


def is_under(path: str, root: str) -> bool:
    """Return True if ``path`` is ``root``, or a path below it."""
    return path == root or path.startswith(f"{root}/")


def _find_prefix(event: Mapping[str, Any], path: str) -> str | None:
    """Return the part of ``path`` before the path of the matched route; None if that is unknown."""
    matched = _find_matched_path(event)
    if matched is None:
        return None
    path, tail = path.rstrip("/"), matched.rstrip("/")
    prefix = path.removesuffix(tail)
    return prefix if path == prefix + tail and not prefix.endswith("/") else None


def _find_matched_path(event: Mapping[str, Any]) -> str | None:
    """Return the path of the matched route with its parameters filled in, or None."""
    template = event.get("resource") or str(event.get("routeKey")).partition(" ")[2]
    parameters = event.get("pathParameters") or {}
    if not isinstance(template, str) or not template.startswith("/") or not isinstance(parameters, dict):
        return None
    if not all(isinstance(parameters.get(name), str) for name in _PARAMETER.findall(template)):
        return None
    return _PARAMETER.sub(lambda found: str(parameters[found[1]]), template)
