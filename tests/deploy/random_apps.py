"""Random apps, and requests to them, for properties that hold for any app."""

from itertools import product
from typing import Any, Literal, NamedTuple

from fastapi import Depends, FastAPI, Security
from hypothesis import strategies as st

from fastapi_cognito_guard import (
    CognitoGuard,
    current_user,
    optional_user,
    require,
    require_claim,
    require_group,
    require_scope,
)

SAMPLES: dict[str, tuple[str, ...]] = {
    "a": ("a",),
    "b": ("b",),
    "{x}": ("a", "7", "z-9"),
    "{y}": ("b", "z"),
    "{n:int}": ("7",),
    "f-{x}": ("f-1",),
    "{p:path}": ("7", "a", "b/z", "a/b/7"),
    "": ("",),
}
DEPENDENCIES: dict[str, tuple[Any, ...]] = {
    "public": (),
    "optional": (Depends(optional_user),),
    "user": (Depends(current_user),),
    "scope r": (Depends(require_scope("o/r")),),
    "scope r or w": (Depends(require_scope("o/r", "o/w")),),
    "security w": (Security(current_user, scopes=["o/w"]),),
    "group": (Depends(require_group("admins")),),
    "claim": (Depends(require_claim("tier", "gold")),),
    "scope w and group": (Depends(require_scope("o/w")), Depends(require_group("admins"))),
    "scope w or group": (Depends(require_scope("o/w") | require_group("admins")),),
    "own check": (Depends(require(lambda user: False, name="own")),),
    "own check or group": (
        Depends(require_scope("o/w")),
        Depends(require(lambda user: False, name="own") | require_group("admins")),
    ),
}
_AT_GATEWAY = {"optional": "public", "group": "user", "claim": "user", "scope w and group": "security w"}
_AT_GATEWAY |= {"scope w or group": "user", "own check": "user", "own check or group": "security w"}
# An authorizer leaves the app's own checks to the app.
_AT_AUTHORIZER = {"own check": "user", "own check or group": "security w"}

CheckedBy = Literal["app", "gateway", "authorizer"]
_LEFT: dict[CheckedBy, dict[str, str]] = {"app": {}, "gateway": _AT_GATEWAY, "authorizer": _AT_AUTHORIZER}


class RandomRoute(NamedTuple):
    method: str
    segments: tuple[str, ...]
    access: str

    @property
    def path(self) -> str:
        return "/" + "/".join(self.segments)

    def requests(self) -> list[str]:
        """Return paths that the route takes."""
        return ["/" + "/".join(choice) for choice in product(*(SAMPLES[part] for part in self.segments))]


class RandomApp(NamedTuple):
    routes: tuple[RandomRoute, ...]
    deny_by_default: bool
    public: tuple[str, ...]

    def build(self, guard_settings: dict[str, Any], pool: Any, *, checked_by: CheckedBy = "app") -> FastAPI:
        """Build the app; or one that checks only what a gateway, or a Lambda authorizer, can check."""
        app = FastAPI(openapi_url=None)
        deny: dict[str, Any] = {}
        if self.deny_by_default:
            deny = {"deny_by_default": True, "public": self.public}
        CognitoGuard(pool, **deny, **guard_settings).install(app)
        for route in self.routes:
            access = _LEFT[checked_by].get(route.access, route.access)
            app.add_api_route(
                route.path, _endpoint, methods=[route.method], dependencies=list(DEPENDENCIES[access])
            )
        return app

    def requests(self) -> list[tuple[str, str]]:
        """Return methods and paths that some route may take."""
        paths = dict.fromkeys(path for route in self.routes for path in route.requests())
        methods = sorted({route.method for route in self.routes})
        return list(product(methods, paths))


async def _endpoint() -> str:
    return "reached"


def _generate_segments() -> st.SearchStrategy[tuple[str, ...]]:
    inner = st.sampled_from([part for part in SAMPLES if part and "path" not in part])
    last = st.sampled_from(list(SAMPLES))
    return st.tuples(st.lists(inner, max_size=2), st.lists(last, max_size=1)).map(
        lambda both: (*both[0], *both[1])
    )


def _has_unique_names(segments: tuple[str, ...]) -> bool:
    names = [part.strip("f-{}").partition(":")[0] for part in segments if "{" in part]
    return len(names) == len(set(names))


ROUTES = st.builds(
    RandomRoute,
    st.sampled_from(["GET", "GET", "POST"]),
    _generate_segments().filter(_has_unique_names),
    st.sampled_from(list(DEPENDENCIES)),
)
APPS = st.builds(
    RandomApp,
    st.lists(ROUTES, min_size=1, max_size=5).map(tuple),
    st.booleans(),
    st.lists(st.sampled_from(["/", "/a", "/a/7", "/a/*", "/b"]), max_size=2, unique=True).map(tuple),
)
