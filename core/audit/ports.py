"""What audit needs from outside."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from core.audit.model import AuditEntry, AuditHead, AuditRecord


class AuditStore(Protocol):
    """The append-only chain, inside the caller's transaction."""

    async def append(self, entry: AuditEntry) -> AuditRecord:
        """Chains and writes the entry. Takes the head's row lock, which is held until the transaction ends: call it as
        the transaction's last statement, after every other lock."""
        ...

    async def head(self) -> AuditHead: ...

    def records(self, *, from_seq: int = 1) -> AsyncIterator[AuditRecord]:
        """Rows by rising `seq`, in batches; for verification."""
        ...

    async def recent(
        self,
        *,
        limit: int,
        before_seq: int | None = None,
        actor_or_target: str | None = None,
        action_prefix: str | None = None,
    ) -> list[AuditRecord]:
        """Newest first, for people; `before_seq` pages on. `actor_or_target` matches either exactly."""
        ...

    async def retain(self, *, keep_from: datetime) -> int:
        """Deletes rows older than `keep_from` and leaves a signed checkpoint in their place; how many."""
        ...
