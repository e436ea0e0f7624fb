"""The monitor: looks at every server at rest, and makes Prime's records, and what is told of them, true.

Only the replica that leads runs it, and every write of it is guarded by that. Engines and clouds are looked at apart,
since a cloud may hang for a minute, and what nobody uses has to stop all the same."""

import asyncio
from dataclasses import replace

from core.watch.cloud_round import CloudRound
from core.watch.engine_round import EngineRound
from core.watch.model import TickReport
from core.watch.wiring import Wiring


class Monitor:
    """Each method raises LeadLostError when another replica has taken over, and DatabaseUnavailableError."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def tick(self) -> TickReport:
        """One look at everything."""
        engines, clouds = await asyncio.gather(self.look_at_engines(), self.look_at_clouds(), return_exceptions=True)
        for done in (engines, clouds):
            if isinstance(done, BaseException):
                raise done
        assert isinstance(engines, TickReport)
        assert isinstance(clouds, TickReport)
        return replace(engines, acts=(*engines.acts, *clouds.acts))

    async def look_at_engines(self) -> TickReport:
        """Whether they answer and what they do; and what is due by the time."""
        async with self._wiring.storage.transaction() as stores:
            servers = await stores.servers.at_rest()
            pulses = await stores.watch.pulses([server.id for server in servers])
        looks = EngineRound(self._wiring, pulses)
        await looks.run(servers)
        return TickReport(servers=len(servers), engines=looks.asked, unreachable=looks.unreachable, acts=looks.acts)

    async def look_at_clouds(self) -> TickReport:
        """Whether each machine is there and on as Prime has it, and whether there are others."""
        async with self._wiring.storage.transaction() as stores:
            servers = await stores.servers.at_rest()
        looks = CloudRound(self._wiring)
        await looks.run(servers)
        return TickReport(servers=len(servers), engines=0, unreachable=0, acts=looks.acts)
