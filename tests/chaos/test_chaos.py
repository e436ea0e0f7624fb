"""People at work while replicas are killed and all around them fails: `make chaos` does the same with any seed."""

import secrets

import pytest

from tests.chaos import weather, workload
from tests.chaos.run import run
from tests.profiles import LONG

SHARDS, KILLS = (10, 50) if LONG else (1, 4)
"""Tests, which run side by side, and kills in each."""
SEED = 7


@pytest.mark.parametrize("shard", range(SHARDS))
async def test_nothing_is_lost_doubled_or_left_open(shard: int) -> None:
    seed = secrets.randbelow(10**6) if LONG else SEED
    report = await run(seed, kills=KILLS)
    assert not report.faults, f"shard {shard}, seed {seed}: {report}"
    assert report.counts["answers"] > 0
    assert report.counts["engine requests"] >= report.counts["answers"]


def test_a_seed_always_makes_the_same_plan() -> None:
    assert weather.plan(SEED, kills=20) == weather.plan(SEED, kills=20) != weather.plan(SEED + 1, kills=20)
    assert workload.plan(SEED, seconds=60) == workload.plan(SEED, seconds=60) != workload.plan(SEED + 1, seconds=60)
