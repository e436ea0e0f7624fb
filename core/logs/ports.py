"""What logs need from outside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.logs.model import Level, LogRow, LogTarget


class LogDatabase(Protocol):
    """The Postgres that machines write to. It is not Prime's own: it may be away while Prime goes on.

    Every method raises DatabaseUnavailableError."""

    async def prepare(self) -> None:
        """Makes what machines write into. Repeatable, by several at once. Raises ConfigurationError where the role of
        LOG_DATABASE_URL may not."""
        ...

    async def problem(self) -> str | None:
        """What an operator has to put right, in a sentence: it was not prepared, or may not make roles."""
        ...

    def target(self, role: str, password: str) -> LogTarget: ...

    async def open_role(self, role: str, password: str) -> None:
        """Lets a machine log in as this role and add rows of this tag, and nothing else. Repeatable; the newest
        password counts. Raises ConfigurationError where the database was not prepared or its role may not."""
        ...

    async def drop_role(self, role: str) -> None:
        """Its rows stay until they are purged. Repeatable."""
        ...

    async def lines(self, role: str, *, at_least: Level, limit: int) -> Sequence[LogRow]:
        """The newest rows of at least this level, newest first; where no level is told, those that look it."""
        ...

    async def purge(self, *, before: datetime) -> int:
        """Deletes older rows in batches; how many."""
        ...


class LogStore(Protocol):
    """The roles that were made for servers, inside the caller's transaction of Prime's own database."""

    async def password(self, server_id: int) -> str | None:
        """None for a server without a role."""
        ...

    async def keep(self, server_id: int, password: str) -> None: ...

    async def to_drop(self) -> Mapping[int, str]:
        """Server id -> role, of servers that are deleted and whose role may still be there."""
        ...

    async def forget(self, server_id: int) -> None: ...
