"""One run: people at work, weather, calm, and the books."""

import asyncio
from contextlib import suppress

from tests.chaos import weather, workload
from tests.chaos.books import CALM_SECONDS, Report, audit_verifies, check, is_settled
from tests.chaos.weather import KILL_EVERY_SECONDS, rage
from tests.chaos.workload import Crowd
from tests.chaos.world import open_world
from tests.prime import eventually

REPLICAS = 2
READY_SECONDS = 60.0
"""Until the first server answers."""


async def run(seed: int, *, kills: int) -> Report:
    strikes = weather.plan(seed, kills=kills)
    acts = workload.plan(seed, seconds=kills * KILL_EVERY_SECONDS)
    async with open_world(seed=seed, replicas=REPLICAS) as world:
        crowd = Crowd(world)
        await crowd.arrive()
        await eventually(lambda: world.rows("SELECT 1 FROM provider_key"), within_seconds=READY_SECONDS)
        await crowd.make_first_server()
        await eventually(lambda: world.rows("SELECT 1 FROM server WHERE state = 'ready'"), within_seconds=READY_SECONDS)
        await asyncio.gather(crowd.work(acts), rage(world, strikes))
        await world.connected()
        with suppress(TimeoutError):  # what is open then is told by the books
            await eventually(lambda: is_settled(world), within_seconds=CALM_SECONDS)
        await asyncio.sleep(4.0)  # edits that wait for Slack's pace
        report = check(world, crowd.notes)
        report.counts["kills"] = kills
        report.counts["given up"] = crowd.notes.gave_up
        if not await audit_verifies(world):
            report.faults.append("the audit log does not verify")
        log = await world.stop()
        report.faults += [line for line in log.splitlines() if "reference=" in line or "Traceback" in line][:5]
    if report.faults:
        report.faults += [str(strike) for strike in strikes]
    return report
