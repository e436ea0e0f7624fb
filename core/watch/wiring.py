"""What the monitor's rounds share."""

from dataclasses import dataclass

from core.audit.model import AuditEntry
from core.clock import Clock
from core.inbox.model import Delivery
from core.lead.service import Leadership
from core.notices import Notice, owe
from core.servers.errors import OvertakenError
from core.servers.model import Server
from core.servers.ports import Engines, MachineFront, OpenProvider, Providers
from core.servers.rules import check_move, order_key
from core.storage import Storage, Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    storage: Storage
    clock: Clock
    lead: Leadership
    providers: Providers
    open_provider: OpenProvider
    front: MachineFront
    engines: Engines

    async def correct(self, stores: Stores, before: Server, after: Server, *, news: Delivery | None) -> None:
        """Within a guarded transaction: writes the row, if it is to be another, and owes what is told of it. Audited
        where the state changes. Raises OvertakenError if somebody wrote the row since it was read."""
        now = self.clock.now()
        if after is before:
            await _check_is_newest(stores, before)
        else:
            check_move(before.state, after.state)
            after = await stores.servers.save(after, due_at=now)
        if before.state is not after.state:
            shown = owe(Notice.SERVER_CHANGED, server_id=after.id, order_key=order_key(after))
            await stores.inbox.add(shown, now=now)
        if news is not None:
            await stores.inbox.add(news, now=now)
        if before.state is not after.state:
            await stores.audit.append(self._audit(after))

    def _audit(self, server: Server) -> AuditEntry:
        return AuditEntry(
            at=self.clock.now(),
            actor="prime:monitor",
            action=f"server.{server.state.value}",
            target=f"server:{server.spec.name}",
            detail={
                "server": server.id,
                "machine": server.machine_id,
                "reason": None if server.stop_reason is None else server.stop_reason.value,
            },
        )


async def _check_is_newest(stores: Stores, server: Server) -> None:
    newest = await stores.servers.get_locked(server.id)
    if newest is None or newest.version != server.version:
        raise OvertakenError("The server was changed by somebody else just now.")
