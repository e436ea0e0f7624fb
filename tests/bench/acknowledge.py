"""How soon Slack has its acknowledgement while commands come without pause: `prime run` as a process, in the lab."""

import asyncio
import statistics
import tempfile
from pathlib import Path

from lab.slack.driver import Person
from lab.slack.server import SlackLab
from tests.bench.row import Row
from tests.prime import ROOT, environment, start_process

PER_SECOND = 50
SECONDS = 60
PEOPLE = ("U0OLIVIA", "U0ADAM", "U0BEA", "U0RITA", "U0NILS")


async def run() -> list[Row]:
    """`/prime help`, which looks the caller's role up, by five people in turn."""
    lab = SlackLab(ROOT / "app.yaml")
    await lab.start()
    with tempfile.TemporaryDirectory(prefix="prime-bench-") as folder:
        given = environment(lab, Path(folder), PRIME_LOG_LEVEL="WARNING")
        prime = await start_process("run", env=given, cwd=Path(folder))
        try:
            async with asyncio.timeout(60):
                await lab.app_connected()
            answered = await _type_without_pause(lab)
        finally:
            prime.terminate()
            await prime.communicate()
            await lab.stop()
    seconds = [delivery.ack_seconds or 3.0 for delivery in lab.record.deliveries if delivery.name == "/prime"]
    assert len(seconds) == PER_SECOND * SECONDS == answered, "a command was not acknowledged"
    p99 = statistics.quantiles(seconds, n=100)[98]
    return [
        Row(
            what=f"acknowledgement at {PER_SECOND}/s, p99", figure=1000 * p99, unit="ms", beside=300, beside_name="goal"
        ),
        Row(
            what="the slowest of them", figure=1000 * max(seconds), unit="ms", beside=3000, beside_name="Slack's limit"
        ),
    ]


async def _type_without_pause(lab: SlackLab) -> int:
    """How many were answered rather than timed out."""
    people = [Person(lab.url, user) for user in PEOPLE]
    for person in people:
        await person.__aenter__()
    try:
        loop = asyncio.get_running_loop()
        started, typing = loop.time(), list[asyncio.Task[bool]]()
        for number in range(PER_SECOND * SECONDS):
            await asyncio.sleep(max(0.0, started + number / PER_SECOND - loop.time()))
            typing.append(asyncio.create_task(_types(people[number % len(people)])))
        return sum(await asyncio.gather(*typing))
    finally:
        for person in people:
            await person.__aexit__(None, None, None)


async def _types(person: Person) -> bool:
    return bool((await person.types("/prime help", channel="#random"))["ok"])
