"""Gathering what is known of servers beside their rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from core.cost.model import Spend
from core.cost.rules import month_of
from core.servers.model import Server
from core.storage import Stores
from core.watch.model import Vitals
from core.watch.rules import next_end

_NOTHING = Spend(usd=Decimal(0), is_certain=True)


async def gather_vitals(stores: Stores, servers: Sequence[Server], now: datetime) -> Mapping[int, Vitals]:
    """By server id."""
    ids = [server.id for server in servers]
    pulses = await stores.watch.pulses(ids)
    spends = await stores.costs.spent(ids, since=month_of(now), until=now)
    return {
        server.id: Vitals(
            pulse=pulses.get(server.id),
            end=next_end(server, pulses.get(server.id)),
            spent_usd=spends.get(server.id, _NOTHING).usd,
            is_spent_certain=spends.get(server.id, _NOTHING).is_certain,
        )
        for server in servers
    }
