"""Is the audit log as Prime wrote it?"""

from dataclasses import dataclass

from core.access.model import Principal
from core.access.permissions import Permission, require
from core.audit.model import AuditBrokenError, AuditHead, AuditPage
from core.audit.rules import AuditKeys, ChainCheck
from core.storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    rows: int
    """How many were read."""
    head: AuditHead | None
    """None if it is gone."""
    problems: tuple[str, ...]
    """Sentences for the operator, the oldest row's first; none if all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """What to log and export from time to time. Within the database, a tail that was cut off together with an older
    head put back looks whole; but here `seq` then falls, or comes again with another `mac`."""

    seq: int
    mac: str
    rows: int


class AuditLog:
    """The log for people to read."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def read(
        self, actor: Principal, *, about: str | None = None, before: int | None = None, limit: int = 15
    ) -> AuditPage:
        """Raises AccessDeniedError."""
        require(actor.role, Permission.SEE_AUDIT)
        async with self._storage.transaction() as stores:
            found = await stores.audit.recent(limit=limit + 1, before_seq=before, actor_or_target=about)
        more, records = len(found) > limit, tuple(found[:limit])
        return AuditPage(records=records, about=about, next_before=records[-1].seq if more else None)


async def verify(storage: Storage, keys: AuditKeys) -> VerifyReport:
    """Reads the whole chain as of one moment, while others go on writing.

    Raises DatabaseUnavailableError."""
    async with storage.transaction(snapshot=True) as stores:
        try:
            head = await stores.audit.head()
        except AuditBrokenError:
            return VerifyReport(rows=0, head=None, problems=("The row that says where the chain ends is gone.",))
        check = ChainCheck(head, await stores.audit.checkpoints(), keys)
        async for record in stores.audit.records():
            check.see(record)
        check.end()
    return VerifyReport(rows=check.rows, head=head, problems=tuple(check.problems))


async def chain_state(storage: Storage) -> ChainState:
    """Raises AuditBrokenError if the head is gone, DatabaseUnavailableError."""
    async with storage.transaction(snapshot=True) as stores:
        head = await stores.audit.head()
        return ChainState(seq=head.seq, mac=head.mac.hex(), rows=await stores.audit.count())
