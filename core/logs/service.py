"""Engines' logs: giving machines a place to write to, reading it, and clearing it away."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_urlsafe

import structlog

from core.clock import Clock
from core.errors import ConfigurationError, DatabaseUnavailableError
from core.logs.model import Level, LogLine, LogTail, LogTarget
from core.logs.ports import LogDatabase
from core.logs.rules import MOST_LINES, read
from core.servers.model import Server
from core.storage import Storage

KEPT = timedelta(days=7)
READ_SECONDS = 1.2
"""Of the three that Slack waits."""

HOW_TO_SWITCH_ON = (
    "Engine logs are off. An operator switches them on with LOG_DATABASE_URL and `prime migrate --logs`; servers "
    "created from then on send theirs."
)
NONE_OF_IT = "This server was created while engine logs were off, so it sends none."
AWAY = "The log database does not answer now."

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Logs:
    """`database` is None without LOG_DATABASE_URL. It being away never hurts anything but logs."""

    storage: Storage
    clock: Clock
    database: LogDatabase | None

    async def target(self, server: Server, *, is_new: bool) -> LogTarget | None:
        """Where the server's machine sends its log; None where it sends none. `is_new`: it was not ordered yet, so that
        it may be given a role. The password is kept before the role is made, so that no role is lost."""
        if self.database is None:
            return None
        async with self.storage.transaction() as stores:
            password = await stores.logs.password(server.id)
            if password is None and is_new:
                password = token_urlsafe(32)
                await stores.logs.keep(server.id, password)
        if password is None:
            return None
        try:
            await self.database.open_role(server.machine_name, password)
        except (DatabaseUnavailableError, ConfigurationError) as error:
            _log.warning("log_role_not_opened", server=server.id, error=type(error).__name__)
            if is_new:
                return None
        return self.database.target(server.machine_name, password)

    async def has_target(self, server: Server) -> bool:
        """Whether its machine was told where to send its log."""
        async with self.storage.transaction() as stores:
            return await stores.logs.password(server.id) is not None

    async def tail(self, server: Server, *, at_least: Level, limit: int) -> LogTail:
        if self.database is None:
            return LogTail(lines=(), problem=HOW_TO_SWITCH_ON)
        if not await self.has_target(server):
            return LogTail(lines=(), problem=NONE_OF_IT)
        reading = asyncio.create_task(self._lines(self.database, server, at_least=at_least, limit=limit))
        # Not cancelled when it takes too long: the driver would then wait for a database that does not answer.
        done, _ = await asyncio.wait({reading}, timeout=READ_SECONDS)
        if not done:
            reading.add_done_callback(_forget)
            return LogTail(lines=(), problem=AWAY)
        try:
            return LogTail(lines=reading.result(), problem="")
        except DatabaseUnavailableError:
            return LogTail(lines=(), problem=AWAY)
        except ConfigurationError as error:
            return LogTail(lines=(), problem=str(error))

    async def _lines(self, database: LogDatabase, server: Server, *, at_least: Level, limit: int) -> Sequence[LogLine]:
        rows = await database.lines(server.machine_name, at_least=at_least, limit=min(limit, MOST_LINES))
        wanted = list(Level)[list(Level).index(at_least) :]
        lines = [read(row) for row in reversed(rows)]
        return [line for line in lines if line.level in wanted and line.text.strip()]

    async def drop_roles(self) -> int:
        """Of servers that are deleted; how many. Run again and again: what was not reached now is tried anew."""
        if self.database is None:
            return 0
        async with self.storage.transaction() as stores:
            roles = await stores.logs.to_drop()
        dropped = 0
        for server_id, role in roles.items():
            try:
                await self.database.drop_role(role)
            except (DatabaseUnavailableError, ConfigurationError) as error:
                _log.warning("log_role_not_dropped", server=server_id, error=type(error).__name__)
                continue
            async with self.storage.transaction() as stores:
                await stores.logs.forget(server_id)
            dropped += 1
        return dropped

    async def retain(self) -> int:
        """Deletes rows that are older than KEPT; how many."""
        if self.database is None:
            return 0
        return await self.database.purge(before=self.clock.now() - KEPT)


def _forget(reading: "asyncio.Task[Sequence[LogLine]]") -> None:
    """Nobody waits for it any more, and its error is nobody's."""
    if not reading.cancelled():
        reading.exception()
