"""The one seam to the database: `async with storage.transaction() as stores:`."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from core.access.ports import AccessStore
from core.approvals.ports import RequestStore
from core.audit.ports import AuditStore
from core.catalog.ports import CatalogStore
from core.cost.ports import CostStore
from core.home.ports import HomeStore
from core.inbox.ports import InboxStore
from core.keys.ports import KeyStore
from core.lead.ports import LeadStore
from core.logs.ports import LogStore
from core.mappings.ports import MappingStore
from core.people.ports import PeopleStore
from core.redaction.ports import RedactionStore
from core.servers.ports import ServerStore
from core.talk.ports import TalkStore
from core.watch.ports import WatchStore


class Stores(Protocol):
    """Every area's store, all on one transaction."""

    @property
    def access(self) -> AccessStore: ...
    @property
    def audit(self) -> AuditStore: ...
    @property
    def catalog(self) -> CatalogStore: ...
    @property
    def costs(self) -> CostStore: ...
    @property
    def homes(self) -> HomeStore: ...
    @property
    def inbox(self) -> InboxStore: ...
    @property
    def keys(self) -> KeyStore: ...
    @property
    def lead(self) -> LeadStore: ...
    @property
    def logs(self) -> LogStore: ...
    @property
    def mappings(self) -> MappingStore: ...
    @property
    def people(self) -> PeopleStore: ...
    @property
    def redaction(self) -> RedactionStore: ...
    @property
    def requests(self) -> RequestStore: ...
    @property
    def servers(self) -> ServerStore: ...
    @property
    def talk(self) -> TalkStore: ...
    @property
    def watch(self) -> WatchStore: ...


class Storage(Protocol):
    """Opens transactions. No network call is made while one is open."""

    def transaction(self, *, snapshot: bool = False) -> AbstractAsyncContextManager[Stores]:
        """Commits when the block ends, rolls back when it raises. With `snapshot` it reads only, and all as of one
        moment.

        Raises DatabaseUnavailableError if Postgres does not answer, before the block or at any call in it;
        ConflictError if another transaction was in the way of this one, which then did nothing."""
        ...

    async def schema_fits(self) -> bool:
        """Whether the database has the schema of this version, or of a newer one. Raises DatabaseUnavailableError."""
        ...
