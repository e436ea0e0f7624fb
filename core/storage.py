"""The one seam to the database: `async with storage.transaction() as stores:`."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from core.audit.ports import AuditStore
from core.inbox.ports import InboxStore


class Stores(Protocol):
    """Every area's store, all on one transaction."""

    @property
    def audit(self) -> AuditStore: ...
    @property
    def inbox(self) -> InboxStore: ...


class Storage(Protocol):
    """Opens transactions. No network call is made while one is open."""

    def transaction(self) -> AbstractAsyncContextManager[Stores]:
        """Commits when the block ends, rolls back when it raises.

        Raises DatabaseUnavailableError if Postgres does not answer."""
        ...

    async def schema_is_current(self) -> bool:
        """Whether the database has exactly this version's schema. Raises DatabaseUnavailableError."""
        ...
