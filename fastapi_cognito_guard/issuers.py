"""Issuers of Cognito's own form: ``https://cognito-idp.{region}.{suffix}/{pool id}``, and the newer one."""

import re
from collections.abc import Iterable
from typing import NamedTuple

# Strings, so that importing the package stays cheap: `re` compiles them when they are first needed.
REGION = r"(?:eusc-[a-z]{2}|[a-z]{2})-(?:gov-)?[a-z]+-[0-9]+"
POOL_ID = rf"{REGION}_[A-Za-z0-9]+"

_HOSTS = ("cognito-idp", "issuer-cognito-idp")
_ISSUER = rf"https://(?:{'|'.join(_HOSTS)})\.({REGION})\.([a-z.]+)/({POOL_ID})"
_LONGEST_POOL_ID = 55  # UserPoolIdType of the service model
_LONGEST_ISSUER = 200


class NamedPool(NamedTuple):
    """Names in an issuer: a pool, and the regions of the host and of the pool's id."""

    pool_id: str
    regions: frozenset[str]


def build_issuers(pool_id: str, regions: Iterable[str]) -> tuple[str, ...]:
    """Return the issuers of a pool in these regions: both forms of each."""
    return tuple(
        f"https://{host}.{region}.{_dns_suffix(region)}/{pool_id}" for region in regions for host in _HOSTS
    )


def read_issuer(issuer: object) -> NamedPool | None:
    """Return what an issuer names, or None if its form is not exactly Cognito's."""
    if not isinstance(issuer, str) or len(issuer) > _LONGEST_ISSUER:
        return None
    found = re.fullmatch(_ISSUER, issuer)
    if found is None or found[2] != _dns_suffix(found[1]) or len(found[3]) > _LONGEST_POOL_ID:
        return None
    return NamedPool(found[3], frozenset({found[1], found[3].partition("_")[0]}))


def _dns_suffix(region: str) -> str:
    """Return the DNS suffix of a region's partition."""
    return {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}.get(region.partition("-")[0], "amazonaws.com")
