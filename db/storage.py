"""The one seam to the database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

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
from core.storage import Storage, Stores
from core.talk.ports import TalkStore
from core.watch.ports import WatchStore
from db.access import PostgresAccess
from db.audit import PostgresAudit
from db.catalog import PostgresCatalog
from db.costs import PostgresCosts
from db.engine import connected, known_errors
from db.inbox import PostgresInbox
from db.keys import PostgresKeys
from db.lead import PostgresLead
from db.logs import PostgresLogs
from db.mappings import PostgresMappings
from db.migrate import older_revisions
from db.people import PostgresHomes, PostgresPeople
from db.redaction import PostgresRedaction
from db.requests import PostgresRequests
from db.secrets import SecretBox, SecretKeys
from db.servers import PostgresServers
from db.talk import PostgresTalk
from db.watch import PostgresWatch


@dataclass(frozen=True, slots=True)
class PostgresStores:
    access: AccessStore
    audit: AuditStore
    catalog: CatalogStore
    costs: CostStore
    homes: HomeStore
    inbox: InboxStore
    keys: KeyStore
    lead: LeadStore
    logs: LogStore
    mappings: MappingStore
    people: PeopleStore
    redaction: RedactionStore
    requests: RequestStore
    servers: ServerStore
    talk: TalkStore
    watch: WatchStore


class PostgresStorage(Storage):
    def __init__(self, engine: AsyncEngine, keys: SecretKeys) -> None:
        self._engine = engine
        self._keys = keys
        self._box = SecretBox(keys)
        self._older_revisions = older_revisions()

    @asynccontextmanager
    async def transaction(self, *, snapshot: bool = False) -> AsyncGenerator[Stores]:
        with known_errors():
            async with connected(self._engine) as connection:
                if snapshot:
                    await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                async with connection.begin():
                    yield PostgresStores(
                        access=PostgresAccess(connection),
                        audit=PostgresAudit(connection, self._keys.audit),
                        catalog=PostgresCatalog(connection),
                        costs=PostgresCosts(connection),
                        homes=PostgresHomes(connection),
                        inbox=PostgresInbox(connection, self._box),
                        keys=PostgresKeys(connection, self._box),
                        lead=PostgresLead(connection),
                        logs=PostgresLogs(connection, self._box),
                        mappings=PostgresMappings(connection),
                        people=PostgresPeople(connection),
                        redaction=PostgresRedaction(connection, self._box),
                        requests=PostgresRequests(connection),
                        servers=PostgresServers(connection, self._box),
                        talk=PostgresTalk(connection, self._box),
                        watch=PostgresWatch(connection),
                    )

    async def schema_fits(self) -> bool:
        with known_errors():
            async with connected(self._engine) as connection:
                if (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar_one() is None:
                    return False
                revisions = await connection.execute(text("SELECT version_num FROM alembic_version"))
                found = revisions.scalars().all()
                # One that this version does not know is newer, and still has all that it needs (migrations/README.md).
                return bool(found) and not self._older_revisions.intersection(found)
