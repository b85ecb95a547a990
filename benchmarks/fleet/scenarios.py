"""The questions that are asked of each policy, and the fleets that they are asked of."""

from collections.abc import Mapping
from math import inf
from types import MappingProxyType

from benchmarks.fleet.models import AwsJwtVerifyKeys, FastapiCognitoKeys, TwoHours
from benchmarks.fleet.policies import Build, MappingKeys, PyJwtKeys, build_guard
from benchmarks.fleet.simulate import Fleet, Outcome, simulate
from benchmarks.fleet.world import Weather

HOUR = 3600
SIZES = (10, 100, 1_000, 10_000, 100_000)
OUTAGES = (1, 60, 600, 1 * HOUR, 2 * HOUR, 3 * HOUR)
LIMITS = (20, 5, 2)
GUARD, FILE, LONGER = "the guard", "the guard, `jwks=` a file", "the guard, `max_age=7200`"
PYJWT, WITHOUT = "PyJWT's `PyJWKClient`", "the guard without jitter"

Outcomes = dict[tuple[str, float], Outcome]


def list_policies(more: Mapping[str, Build] = MappingProxyType({})) -> Mapping[str, Build]:
    """Return the policies of all tables by title, and ``more``."""
    return {
        GUARD: build_guard(),
        **more,
        FILE: MappingKeys,
        PYJWT: PyJwtKeys,
        "aws-jwt-verify (model)": AwsJwtVerifyKeys,
        "fastapi-cognito (model)": FastapiCognitoKeys,
        "a cache of two hours (model)": TwoHours,
    }


def build_lambda(size: int, *, sample: int = 100) -> Fleet:
    """Return a function: 1,000 new environments in 10 s at most, and each lives for two hours on average."""
    return Fleet(size, ramp=max(10.0, size / 100), lifetime=2 * HOUR, sample=sample)


def build_pods(pods: int, workers: int, *, sample: int = 100) -> Fleet:
    """Return workers of a deployment that starts within 10 s and stays."""
    return Fleet(pods * workers, ramp=10, sample=sample)


async def run_sizes(sample: int) -> Outcomes:
    """Return the outcome of two calm hours, by policy and number of environments."""
    policies = list_policies({LONGER: build_guard(max_age=7200)})
    return {
        (title, size): await simulate(build, build_lambda(size, sample=sample), Weather(), until=2 * HOUR)
        for title, build in policies.items()
        for size in SIZES
    }


async def run_in_step(sample: int) -> dict[str, Outcome]:
    """Return the outcome of two calm hours after 250 pods of 4 workers started at once, by policy."""
    policies = {
        WITHOUT: build_guard(spread=0),
        "the guard with half of it": build_guard(spread=0.5),
        GUARD: build_guard(),
        PYJWT: PyJwtKeys,
    }
    fleet = build_pods(250, 4, sample=sample)
    return {
        title: await simulate(build, fleet, Weather(), until=2 * HOUR) for title, build in policies.items()
    }


async def run_outages(fleet: Fleet, more: Mapping[str, Build] = MappingProxyType({})) -> Outcomes:
    """Return the outcome of an outage that begins after half an hour, by policy and seconds."""
    return {
        (title, seconds): await simulate(
            build, fleet, Weather(outage=(HOUR / 2, HOUR / 2 + seconds)), until=HOUR / 2 + seconds + 900
        )
        for title, build in list_policies(more).items()
        for seconds in OUTAGES
    }


async def run_rotation(sample: int) -> dict[str, Outcome]:
    """Return the outcome of a rotation after half an hour in 10,000 environments, by policy."""
    fleet = build_lambda(10_000, sample=sample)
    return {
        title: await simulate(build, fleet, Weather(rotation=HOUR / 2), until=1.5 * HOUR)
        for title, build in list_policies().items()
    }


async def run_limits() -> Outcomes:
    """Return the outcome of the start of 400 environments, by policy and limit of fetches per second.

    All are simulated: a sample would meet the limit by chance more often than the fleet does.
    """
    fleet = build_lambda(400, sample=400)
    return {
        (title, limit): await simulate(build, fleet, Weather(limit=limit), until=HOUR / 4)
        for title, build in list_policies({LONGER: build_guard(max_age=7200)}).items()
        for limit in LIMITS
    }


def find_recovery(outcome: Outcome, since: float, until: float) -> float:
    """Return the seconds from a moment to the last refusal; infinite if refusals go on to the end."""
    if outcome.last_refusal > until - 60:
        return inf
    return max(0.0, outcome.last_refusal - since)
