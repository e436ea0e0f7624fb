"""What audit needs from outside."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from core.audit.model import AuditCheckpoint, AuditEntry, AuditHead, AuditRecord


class AuditStore(Protocol):
    """The append-only chain, inside the caller's transaction."""

    async def append(self, entry: AuditEntry) -> AuditRecord:
        """Chains and writes the entry. Takes the head's row lock, which is held until the transaction ends: call it as
        the transaction's last statement, after every other lock.

        Raises AuditBrokenError if the head or the row after it is not as Prime left it."""
        ...

    async def head(self) -> AuditHead:
        """Raises AuditBrokenError if it is gone. Its seal is not checked here."""
        ...

    async def checkpoints(self) -> list[AuditCheckpoint]:
        """By rising `from_seq`."""
        ...

    def records(self) -> AsyncIterator[AuditRecord]:
        """Every row by rising `seq`, in batches; for verification. A row that Prime cannot have written as it stands
        comes with an empty mac."""
        ...

    async def count(self) -> int:
        """How many rows are kept. Reads them all: for a metric now and then, not for a page."""
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
        """Deletes the rows before the first that is not older than `keep_from`, and leaves a signed checkpoint in their
        place; how many. Takes the same lock as `append`, and is as much a last statement.

        Raises AuditBrokenError."""
        ...
