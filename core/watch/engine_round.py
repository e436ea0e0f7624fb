"""One look at every engine that may answer, and what is due by the time: warnings, stops, deletions."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

import structlog

from core.errors import DatabaseUnavailableError, PrimeError
from core.lead.service import LeadLostError
from core.servers.errors import IdentityError, OvertakenError
from core.servers.model import Endpoint, Server
from core.storage import Stores
from core.watch.judgement import Judgement, judge
from core.watch.model import EngineLook, Load, NoLook, Pulse
from core.watch.news import tell
from core.watch.rules import advance, is_asked, pulse_of
from core.watch.wiring import Wiring

AT_ONCE = 160
WRITE_EVERY_SECONDS = 1.0
WRITES_AT_ONCE = 3
"""Of the pool's connections, which people wait for too."""

_log = structlog.get_logger(__name__)


class EngineRound:
    def __init__(self, wiring: Wiring, pulses: Mapping[int, Pulse]) -> None:
        self.asked = self.unreachable = 0
        self.acts: list[str] = []
        self._wiring = wiring
        self._pulses = pulses
        self._keys: Mapping[int, str] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._writing = asyncio.Semaphore(WRITES_AT_ONCE)
        self._seen: dict[int, tuple[Pulse, Load | None]] = {}
        """By server id, what is not written yet."""

    async def run(self, servers: Sequence[Server]) -> None:
        """Each server in a task of its own; what was seen is written every second, and so waits for none that is slow.

        Raises LeadLostError, DatabaseUnavailableError."""
        async with self._wiring.storage.transaction() as stores:
            self._keys = await stores.servers.keys([server.id for server in servers if is_asked(server)])
        # Those that answered last time come first: the others may take as long as they are waited for.
        turn = sorted(servers, key=lambda server: self._was_unreachable(server.id))
        left = {asyncio.create_task(self._take(server), name=f"look at server {server.id}") for server in turn}
        try:
            while left:
                done, left = await asyncio.wait(left, timeout=WRITE_EVERY_SECONDS)
                await self._write()
                _raise_what_ends_the_round(done)
        finally:
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _was_unreachable(self, server_id: int) -> bool:
        last = self._pulses.get(server_id)
        return last is not None and last.unreachable_since is not None

    async def _take(self, server: Server) -> None:
        pulse, load = pulse_of(server, self._pulses.get(server.id)), None
        look: EngineLook | NoLook | None = None
        if is_asked(server) and server.id in self._keys:
            async with self._room:
                look = await self._look(server)
            pulse, load = advance(pulse, look, self._wiring.clock.now())
        judgement = judge(server, pulse, look, self._wiring.clock.now())
        if judgement.news is not None or judgement.after is not server:
            await self._carry_out(server, judgement, load)
        elif look is not None:
            self._seen[server.id] = (judgement.pulse, load)

    async def _look(self, server: Server) -> EngineLook | NoLook:
        assert server.address is not None
        self.asked += 1
        url = self._wiring.front.url(server.address)
        endpoint = Endpoint(url=url, key=self._keys[server.id], fingerprint=server.fingerprint)
        try:
            look = await self._wiring.engines.of(server.spec.engine).look(endpoint)
        except IdentityError:
            return NoLook.IMPOSTOR
        except PrimeError:
            self.unreachable += 1
            return NoLook.UNREACHABLE
        return look if look.model in ("", server.spec.model) else NoLook.IMPOSTOR

    async def _carry_out(self, server: Server, judgement: Judgement, load: Load | None) -> None:
        """Change, news and pulse in one transaction. Nothing where somebody did something with the server meanwhile: it
        is looked at again soon."""
        try:
            async with self._writing, self._wiring.lead.transaction() as stores:
                if judgement.end is not None and await _is_used_since(stores, judgement.pulse):
                    return
                news = None
                if judgement.news is not None:
                    news = tell(server, judgement.news, about=judgement.about, end=judgement.end)
                await stores.watch.save_pulses([judgement.pulse])
                await stores.watch.add_loads({} if load is None else {server.id: load})
                await self._wiring.correct(stores, server, judgement.after, news=news)
        except OvertakenError:
            return
        self.acts.append(f"{server.spec.name}: {judgement.news or judgement.after.state}")

    async def _write(self) -> None:
        seen, self._seen = self._seen, {}
        if not seen:
            return
        async with self._wiring.lead.transaction() as stores:
            await stores.watch.save_pulses([pulse for pulse, _ in seen.values()])
            await stores.watch.add_loads({id_: load for id_, (_, load) in seen.items() if load is not None})


async def _is_used_since(stores: Stores, pulse: Pulse) -> bool:
    """Whether somebody has begun to talk to it through Prime since it was looked at."""
    newest = (await stores.watch.pulses([pulse.server_id])).get(pulse.server_id)
    return newest is not None and newest.used_at > pulse.used_at


def _raise_what_ends_the_round(done: Collection["asyncio.Task[None]"]) -> None:
    """One server's failure must not end the looks at the others, but there is no going on without lead or database."""
    errors = {task.get_name(): error for task in done if (error := task.exception()) is not None}
    for name, error in errors.items():
        if not isinstance(error, LeadLostError | DatabaseUnavailableError):
            _log.error("look_failed", task=name, exc_info=error)
    for error in errors.values():
        if isinstance(error, LeadLostError | DatabaseUnavailableError):
            raise error
