"""Issuers of Cognito's own form, and texts that only look like one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_cognito_guard import UserPool
from fastapi_cognito_guard.issuers import POOL_ID, REGION, build_issuers, read_issuer

REAL = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc123Xyz"


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"])
def test_both_issuers_of_a_pool_name_it(region: str) -> None:
    pool = UserPool(f"{region}_Abc123Xyz", client_ids="4b1example", regions=["eu-central-1"])
    assert len(pool.issuers) == 4
    for issuer in pool.issuers:
        named = read_issuer(issuer)
        assert named is not None
        assert named.pool_id == pool.id
        assert named.regions <= {region, "eu-central-1"}


@given(st.from_regex(REGION, fullmatch=True), st.from_regex(POOL_ID, fullmatch=True))
def test_an_issuer_that_is_built_is_read_unless_the_id_is_too_long(region: str, pool_id: str) -> None:
    for issuer in build_issuers(pool_id, [region]):
        named = read_issuer(issuer)
        if named is None:
            assert len(pool_id) > 55 or len(issuer) > 200
        else:
            assert named.pool_id == pool_id
            assert named.regions == {region, pool_id.partition("_")[0]}


@given(st.one_of(st.text(), st.from_regex(r"https://.{0,40}cognito-idp.{0,60}")))
def test_what_is_read_is_exactly_what_is_built(text: str) -> None:
    named = read_issuer(text)
    regions = re.findall(REGION, text)
    assert named is None or text in build_issuers(named.pool_id, regions)


@pytest.mark.parametrize(
    "look_alike",
    [
        REAL.replace("https", "http"), REAL.upper(), REAL + "/", REAL + "\n", " " + REAL, REAL + "?a=b",
        REAL + "#a", REAL + "%2F..", REAL.replace(".com/", ".com:443/"), REAL.replace(".com/", ".com./"),
        REAL.replace(".com/", ".com//"), REAL.replace("https://", "https://me@"),
        REAL.replace("amazonaws.com", "amazonaws.com.evil.example"), REAL.replace("amazonaws", "amazonavvs"),
        REAL.replace("amazonaws.com", "amazonaws.com.cn"), REAL.replace("amazonaws.com", "amazonaws.eu"),
        REAL.replace("cognito-idp", "evil-cognito-idp"), REAL.replace("cognito-idp.", "cognito-idp-"),
        REAL.replace("eu-west-1_", "eu-west-1-"), REAL.replace("Abc", "Äbc"), REAL.replace("Abc", "A/bc"),
        REAL.replace("Abc", "A" * 60), REAL.replace("eu-west-1.", "eu-west-\u0661."),
        "", None, 5, [REAL], b"",
    ],
    ids=repr,
)  # fmt: skip
def test_a_look_alike_names_no_pool(look_alike: object) -> None:
    assert read_issuer(REAL) is not None
    assert read_issuer(look_alike) is None
