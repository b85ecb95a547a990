"""The app's side of a comparison: its routes and its guard, and what is meant to differ."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fastapi_cognito_guard.deploy.definition.cors import Cors, read_cors
from fastapi_cognito_guard.deploy.drift.deployed import DeployedApi, find_shape, intersect_paths
from fastapi_cognito_guard.deploy.operations import METHODS, Access, GatewayRoutes
from fastapi_cognito_guard.deploy.path_index import PathIndex
from fastapi_cognito_guard.deploy.paths import GatewayPath, format_path
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard, installed_guard
from fastapi_cognito_guard.middleware import is_public
from fastapi_cognito_guard.pool import UserPool

if TYPE_CHECKING:
    from fastapi import FastAPI

MAX_PATHS = 5000


class DriftOptions(NamedTuple):
    """Differences from the app that are meant.

    ``leave_out``       paths that are not compared, in the form of the guard's ``public``
    ``left_to_app``     paths where the gateway may be open, because the app verifies the token itself
    ``catch_all``       scopes of routes that require none, as in `export`
    ``authorizer_arns`` ARNs of functions with `lambda_authorizer` of this app: they decide as the app does
    """

    leave_out: Collection[str] = ()
    left_to_app: Collection[str] = ()
    catch_all: Collection[str] = ()
    authorizer_arns: Collection[str] = ()


class Expected:
    """Requirements of the app, by path and method of the gateway."""

    def __init__(self, app: "FastAPI", api: DeployedApi, options: DriftOptions) -> None:
        self.guard: CognitoGuard = installed_guard(app)
        self.cors: Cors | None = read_cors(app)
        self.options = options
        self.header = self.guard.header.decode("ascii")
        self._documentation = _list_documentation(app)
        deployed = [each.path for each in api.routes if each.path is not None]
        own = self._read_routes(app, api, ())
        self._own = {
            (find_shape(path), method)
            for path in own.paths
            for method in METHODS
            if own.list_accesses(path, method)
        }
        self._routes = self._read_routes(app, api, deployed)
        shared = _intersect(self._routes.paths, deployed)
        if shared:
            self._routes = self._read_routes(app, api, [*deployed, *shared])

    def _read_routes(
        self, app: "FastAPI", api: DeployedApi, deployed: Sequence[GatewayPath]
    ) -> GatewayRoutes:
        return GatewayRoutes(
            app, self.guard, tree=api.kind == "rest", leave_out=self.options.leave_out, deployed=deployed
        )

    @property
    def paths(self) -> list[GatewayPath]:
        """Paths of the app's routes and of the gateway's, and those that some of both share."""
        return self._routes.paths

    @property
    def pools(self) -> list[UserPool]:
        """The pools of the guard, also as its mounts use them."""
        return [*self.guard.pools, *(pool for bound in self.guard.bound for pool in bound.pools)]

    def list_accesses(
        self, path: GatewayPath, method: str, is_elsewhere: Callable[[GatewayPath], bool] = lambda path: False
    ) -> dict[Access, str]:
        """Return what is required of the requests to a path, each access with its first route.

        ``is_elsewhere``: True for the path of an app's route whose requests the gateway sends elsewhere.
        """
        if is_public(format_path(path), self.options.leave_out):
            return {}
        return self._routes.list_accesses(path, method, is_elsewhere)

    def is_own(self, path: GatewayPath, method: str) -> bool:
        """Return True if the app itself needs this operation, and not only by the gateway's paths."""
        return (find_shape(path), method) in self._own

    def is_documentation(self, path: GatewayPath) -> bool:
        """Return True for FastAPI's own pages."""
        text = format_path(path)
        return any(text == page or text.startswith(f"{page}/") for page in self._documentation)

    def is_left_to_app(self, path: GatewayPath) -> bool:
        """Return True if the gateway may be open at this path."""
        return is_public(format_path(path), self.options.left_to_app)


def _list_documentation(app: "FastAPI") -> list[str]:
    pages = (app.openapi_url, app.docs_url, app.redoc_url, app.swagger_ui_oauth2_redirect_url)
    return [page for page in pages if page]


def _intersect(paths: Sequence[GatewayPath], deployed: Sequence[GatewayPath]) -> list[GatewayPath]:
    """Return the paths of requests that match one of each, if neither takes all that the other takes."""
    found = dict.fromkeys(_list_intersections(paths, deployed))
    if len(found) + len(paths) > MAX_PATHS:
        raise ConfigurationError(
            f"The app and the gateway share more than {MAX_PATHS} paths: give --leave-out."
        )
    return list(found)


def _list_intersections(
    paths: Sequence[GatewayPath], deployed: Sequence[GatewayPath]
) -> Iterator[GatewayPath]:
    known = {*paths, *deployed}
    index = PathIndex(deployed, lambda path: path)
    for path in paths:
        for other in index.find_near(path):
            both = intersect_paths(path, other)
            if both is not None and both not in known:
                yield both
