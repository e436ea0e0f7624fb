"""What strikes, and when: a plan that a seed makes, the same each time."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from lab.engine.faults import FaultName as EngineFault
from lab.paperspace.faults import FaultName as CloudFault
from lab.slack.faults import FaultName as SlackFault
from tests.chaos.world import FAKETIME, World

KILL_EVERY_SECONDS = 6.0
JUMP_SECONDS = 40.0
MOST_AHEAD_SECONDS = 300.0
"""Slack's clock and Prime's may be ten minutes apart (bot/reply.py)."""
LASTS_SECONDS = (1.0, 4.0)

KILL, POSTGRES, CLOCK = "kill", "postgres restarts", "clock jumps"
LASTING = (
    SlackFault.RATE_LIMITS,
    SlackFault.DUPLICATE_EVENTS,
    SlackFault.DELAYED_EVENTS,
    SlackFault.LOST_EVENTS,
    SlackFault.API_500S,
    SlackFault.LOST_ACKS,
    CloudFault.ERRORS,
    CloudFault.LOST_REPLIES,
    CloudFault.RATE_LIMITS,
    EngineFault.OVERLOADED,
    EngineFault.ERROR_FRAME,
    EngineFault.CUT_STREAM,
)
AT_ONCE = (SlackFault.SOCKET_DROP, SlackFault.REFRESH_REQUEST)


@dataclass(frozen=True, slots=True, order=True)
class Strike:
    at: float
    """Seconds from the beginning."""
    what: str
    number: int
    """Which of those that it could strike."""
    lasts: float

    def __str__(self) -> str:
        return f"{self.at:7.2f} s  {self.what}" + (f" for {self.lasts:.1f} s" if self.lasts else "")


def plan(seed: int, *, kills: int) -> Sequence[Strike]:
    """A kill now and then, and about two other things between one and the next."""
    dice = random.Random(f"weather {seed}")
    strikes: list[Strike] = []
    ahead = 0.0
    for number in range(kills):
        begin = number * KILL_EVERY_SECONDS
        strikes.append(Strike(begin + dice.uniform(0, KILL_EVERY_SECONDS), KILL, dice.randrange(100), 0.0))
        for _ in range(2):
            at, what = (
                begin + dice.uniform(0, KILL_EVERY_SECONDS),
                dice.choice((*LASTING, *LASTING, *AT_ONCE, POSTGRES, CLOCK)),
            )
            if what == CLOCK and ahead + JUMP_SECONDS > MOST_AHEAD_SECONDS:
                continue
            ahead += JUMP_SECONDS * (what == CLOCK)
            lasts = dice.uniform(*LASTS_SECONDS) if what in LASTING else 0.0
            strikes.append(Strike(at, what, dice.randrange(100), lasts))
    return sorted(strikes)


async def rage(world: World, strikes: Sequence[Strike]) -> None:
    """Until the last has struck and all is calm again."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for strike in strikes:
            await asyncio.sleep(max(0.0, began + strike.at - loop.time()))
            tasks.create_task(_strike(world, strike))


async def _strike(world: World, strike: Strike) -> None:
    acts: dict[str, Callable[[], Awaitable[None]]] = {
        KILL: lambda: world.kill(strike.number),
        POSTGRES: world.restart_postgres,
    }
    if strike.what in acts:
        await acts[strike.what]()
    elif strike.what == CLOCK:
        if FAKETIME is not None:
            world.jump(JUMP_SECONDS)
    else:
        faults = world.lab.faults if strike.what in set(SlackFault) else world.cloud.faults
        faults.switch(strike.what)
        if strike.lasts:
            await asyncio.sleep(strike.lasts)
            faults.switch(strike.what, on=False)
