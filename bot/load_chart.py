"""What a server did in the last day, as an image for whoever asks."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.charts import Curve, Lines, draw
from bot.direct import direct_channel
from bot.files import upload
from bot.sender import Sender
from core.access.model import Principal
from core.errors import UnavailableError
from core.servers.model import Server
from core.services import Services
from core.watch.model import Load
from core.watch.rules import STRETCH

_MINUTE = timedelta(minutes=1)


async def send_load_chart(client: Sender, services: Services, actor: Principal, server: Server) -> bool:
    """To the asker's direct message with Prime; False if there is nothing to draw yet. Raises UnavailableError."""
    loads = await services.watch.loads(actor, server.id)
    if not loads:
        return False
    title = f"{server.spec.name}: the last 24 hours"
    image = await draw(lines_of(loads, title=title, now=services.clock.now()))
    direct = await direct_channel(client, actor.person.user)
    if direct is None:
        raise UnavailableError("Prime cannot write to you directly, which is where the chart would be.")
    busiest = max(load.queued for load in loads)
    total = sum(load.generated_tokens for load in loads)
    await upload(
        client,
        channel=direct,
        name=f"{server.spec.name}-load.png",
        title=title,
        alt_text=f"Tokens per minute and queue: {total:,} tokens in all, at most {busiest:,} waiting.",
        data=image,
    )
    return True


def lines_of(loads: Sequence[Load], *, title: str, now: datetime) -> Lines:
    """`loads` are not empty. Stretches without a look are gaps; the one that is not over counts as far as it went."""
    by_time = {load.since: load for load in loads}
    times = [loads[0].since]
    while times[-1] < loads[-1].since:
        times.append(times[-1] + STRETCH)
    seen = [by_time.get(time) for time in times]
    return Lines(
        title=title,
        times=times,
        left=Curve(label="tokens per minute", values=[None if one is None else _per_minute(one, now) for one in seen]),
        right=Curve(label="most in the queue", values=[None if one is None else float(one.queued) for one in seen]),
    )


def _per_minute(load: Load, now: datetime) -> float:
    passed = min(max(now - load.since, _MINUTE), STRETCH)
    return load.generated_tokens / (passed / _MINUTE)
