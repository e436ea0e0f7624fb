"""The wired use cases, handed to the Slack surface and to the jobs."""

from collections.abc import Callable
from dataclasses import dataclass

from core.access.service import Access
from core.approvals.service import Approvals
from core.audit.service import AuditLog
from core.catalog.ports import ModelHub
from core.catalog.service import Catalog
from core.clock import Clock
from core.cost.service import Costs
from core.home.service import Home
from core.inbox.service import Inbox
from core.keys.service import Keys
from core.logs.ports import LogDatabase
from core.logs.service import Logs
from core.mappings.ports import GroupDirectory
from core.mappings.service import Mappings
from core.people.model import PersonId
from core.people.ports import Directory
from core.people.service import People
from core.redaction.ports import ChannelDirectory
from core.redaction.redactor import Redactor
from core.redaction.service import Redaction
from core.servers.ports import Engines, MachineFront, Providers
from core.servers.service import Servers
from core.storage import Storage
from core.talk.privacy import Privacy
from core.talk.service import Talk
from core.talk.tuning import Tuning
from core.watch.service import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    clock: Clock
    storage: Storage
    inbox: Inbox
    people: People
    access: Access
    approvals: Approvals
    mappings: Mappings
    home: Home
    audit: AuditLog
    keys: Keys
    catalog: Catalog
    servers: Servers
    costs: Costs
    logs: Logs
    watch: Watch
    talk: Talk
    tuning: Tuning
    redaction: Redaction
    privacy: Privacy


def build_services(
    *,
    clock: Clock,
    storage: Storage,
    inbox: Inbox,
    directory: Directory,
    groups: GroupDirectory,
    channels: ChannelDirectory,
    redactor: Redactor,
    hub: ModelHub,
    providers: Providers,
    engines: Engines,
    front: MachineFront,
    team: str,
    admin_users: tuple[str, ...],
    log_database: LogDatabase | None = None,
    wake_talker: Callable[[], None],
) -> Services:
    """`admin_users` are the user ids of PRIME_ADMINS; `wake_talker` is called when a turn waits for an answer."""
    configured = frozenset(PersonId(team, user) for user in admin_users)
    people = People(storage, clock, directory, team=team, configured_admins=configured)
    access = Access(storage, clock, people, configured_admins=configured)
    approvals = Approvals(storage, clock, people, access)
    keys = Keys(storage, clock, access, providers)
    catalog = Catalog(storage, clock, access, hub, open_provider=keys.open)
    servers = Servers(storage, clock, access, catalog, engines, front)
    redaction = Redaction(storage, clock, access, channels, redactor, team=team)
    return Services(
        clock=clock,
        storage=storage,
        inbox=inbox,
        people=people,
        access=access,
        approvals=approvals,
        mappings=Mappings(storage, clock, people, access, groups, team=team, configured_admins=configured),
        home=Home(storage, clock, access, approvals),
        audit=AuditLog(storage),
        keys=keys,
        catalog=catalog,
        logs=Logs(storage, clock, log_database),
        servers=servers,
        costs=Costs(storage, clock, access, servers),
        watch=Watch(storage, clock, catalog),
        talk=Talk(storage, clock, servers, wake_talker),
        tuning=Tuning(storage, clock),
        redaction=redaction,
        privacy=Privacy(storage, clock, redactor, redaction, wake_talker),
    )
