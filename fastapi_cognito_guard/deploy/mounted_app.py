"""The app at its mount point: its paths and its lifespan's state as under a server."""

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_cognito_guard.deploy.mount_point import find_mount_point, is_under
from fastapi_cognito_guard.deploy.request_path import read_request_path


class MountedApp:
    """Tells the app its mount point, the path as it was sent, and the state of its lifespan.

    By ASGI's rule ``path`` starts with ``root_path``.
    """

    def __init__(self, app: ASGIApp, base_path: str | None) -> None:
        self.app = app
        self.state: Mapping[str, Any] | None = None
        self._base_path = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, raw_path = read_request_path(scope["aws.event"], scope["path"])
        prefix, root = find_mount_point(scope["aws.event"], path)
        own = self._find_own_root()
        if not prefix:
            known = (self._base_path, own)
            prefix = next((each for each in known if each and is_under(path, each)), "")
        root = root if own is None else own
        tail = raw_path.removeprefix(prefix.encode())
        scope = {
            **scope,
            "root_path": root,
            "path": root + (path[len(prefix) :] or "/"),
            "raw_path": root.encode() + (tail or b"/"),
        }
        if self.state is not None:
            scope = {**scope, "state": dict(self.state)}
        await self.app(scope, receive, send)

    def _find_own_root(self) -> str | None:
        """Return the root that the developer has set, or None. FastAPI takes its own over any other."""
        root = getattr(self.app, "root_path", "")
        if isinstance(root, str) and root:
            if root.endswith("/"):
                self.app.root_path = root.rstrip("/")  # type: ignore[attr-defined]  # FastAPI has it
            return root.rstrip("/")
        return self._base_path
