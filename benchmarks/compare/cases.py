"""Verdicts of the libraries on valid and on hostile tokens."""

import re
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.compare.adapters import Peer
from benchmarks.compare.place import RESOURCE
from benchmarks.compare.process import Ended, start_library
from benchmarks.compare.site import Site, open_site
from fastapi_cognito_guard.testing.forgeries import list_forgeries

ACCEPTS = "accepts"
GOOD = ("a user's access token", "a machine's access token")
LATE = "expired 30 s ago"
ID_TOKEN = "an ID token, where access tokens are expected"


@dataclass(frozen=True)
class Verdict:
    """Answer to a case. ``signed``: only the holder of the pool's key could have made the token."""

    case: str
    answer: str
    signed: bool


def judge(peer: Peer) -> list[Verdict]:
    """Return the verdicts of one library. An empty list means that it did not run."""
    with open_site(**peer.needs) as site:
        tokens = make_tokens(site)
        try:
            with start_library(peer, site.place) as library:
                answers = library.ask(list(tokens.values()))
        except Ended:
            return []
        return [
            Verdict(case, answer.text, is_signed(site, token))
            for (case, token), answer in zip(tokens.items(), answers, strict=True)
        ]


def make_tokens(site: Site) -> dict[str, str]:
    """Make a token for each case. The tokens of a library that requires ``aud`` have one."""
    resource = RESOURCE if site.audience else None
    good = site.issue(username="ada", groups=["admins"], scopes=["openid", "orders/read"])
    forgeries = list_forgeries(site.pool, good)
    tokens = dict(
        zip(GOOD, (good, site.pool.machine_token(scopes=["orders/read"], resource=resource)), strict=True)
    )
    tokens |= {_name_case(name, site.place.issuer): token for name, token in forgeries}
    own = {"aud": RESOURCE} if site.audience else {}
    return tokens | {LATE: site.issue(expires_in=-30), ID_TOKEN: site.pool.id_token("ada", claims=own)}


def _name_case(name: str, issuer: str) -> str:
    """Return the name without the address of the issuer, which is not the same for all libraries."""
    host = issuer.partition("://")[2]
    return re.sub("https?://", "", name.replace(host, "ISSUER"))


def is_signed(site: Site, token: str) -> bool:
    """Return True if a key of the pool has signed the text of a token, as a lenient reader decodes it."""
    text, _, signature = token.rpartition(".")
    letters = signature.rstrip("=")
    try:
        octets = urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
    except ValueError:
        return False
    return any(_verifies(key.private.public_key(), octets, text) for key in site.pool.signing_keys.values())


def _verifies(key: object, signature: bytes, text: str) -> bool:
    try:
        key.verify(signature, text.encode(), PKCS1v15(), SHA256())  # type: ignore[attr-defined]  # RSA
    except InvalidSignature:
        return False
    return True


def list_hostile(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts on the tokens that are to be refused."""
    return [verdict for verdict in verdicts if verdict.case not in GOOD]


def count_errors(verdicts: Sequence[Verdict]) -> Counter[str]:
    """Count the errors with which hostile tokens were refused."""
    return Counter(verdict.answer for verdict in list_hostile(verdicts) if verdict.answer != ACCEPTS)


def find_differences(verdicts: Mapping[str, Sequence[Verdict]], *, signed: bool) -> dict[str, dict[str, str]]:
    """Return the hostile tokens that some library accepts, with the answer of each library."""
    cases: dict[str, dict[str, str]] = {}
    for name, own in verdicts.items():
        for verdict in list_hostile(own):
            if verdict.signed == signed:
                cases.setdefault(verdict.case, {})[name] = verdict.answer
    return {case: answers for case, answers in cases.items() if ACCEPTS in answers.values()}
