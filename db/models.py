"""The tables. Every time comes from Prime's clock, none from SQL."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from db.types import Sealed, SealedColumn, UtcDateTime


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 SQLAlchemy's own way to say it
        datetime: UtcDateTime,
        int: BigInteger,
        str: Text,
        bytes: LargeBinary,
        Sealed: SealedColumn,
    }


_UNFINISHED = text("state IN ('waiting', 'claimed')")


class InboxRow(Base):
    """See core.inbox.model: Delivery while it comes in, Claim while it is worked on."""

    __tablename__ = "inbox"
    __table_args__ = (
        Index("ix_inbox_unfinished", "received_at", "id", postgresql_where=_UNFINISHED),
        Index("ix_inbox_order", "order_key", "received_at", "id", postgresql_where=_UNFINISHED),
        Index("ix_inbox_order_key", "order_key"),
        Index("ix_inbox_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    event_id: Mapped[str | None] = mapped_column(unique=True)
    work_key: Mapped[str | None] = mapped_column(unique=True)
    order_key: Mapped[str | None]
    payload: Mapped[Sealed | None]
    """JSON; gone when the work has ended."""
    state: Mapped[str] = mapped_column(String(20))
    received_at: Mapped[datetime]
    attempt: Mapped[int]
    """How often it was claimed, and neither handed back nor put off."""
    tries: Mapped[int] = mapped_column(server_default="0")
    """How often it was claimed."""
    holder: Mapped[str | None]
    """The last one, kept when the work has ended."""
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class AuditRow(Base):
    """The chain of core.audit.rules. A trigger refuses every change but the deletions of retention."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_actor", "actor", "seq"),
        Index("ix_audit_target", "target", "seq"),
        Index("ix_audit_action", "action", "seq", postgresql_ops={"action": "text_pattern_ops"}),
    )

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    detail: Mapped[str]
    """Canonical JSON, as text: what was signed is what is stored."""
    key_id: Mapped[str]
    mac: Mapped[bytes]


class AuditHeadRow(Base):
    """The one row that every writer of the chain locks."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    mac: Mapped[bytes]
    first_seq: Mapped[int]
    key_id: Mapped[str]
    seal: Mapped[bytes]


class AuditCheckpointRow(Base):
    """What retention deleted; never changed."""

    __tablename__ = "audit_checkpoint"

    from_seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    through_seq: Mapped[int]
    through_mac: Mapped[bytes]
    kept_from: Mapped[datetime]
    key_id: Mapped[str]
    seal: Mapped[bytes]


class BudgetRow(Base):
    """See core.pacing.rules.Budget."""

    __tablename__ = "budget"

    name: Mapped[str] = mapped_column(primary_key=True)
    full_at: Mapped[datetime | None]
    blocked_until: Mapped[datetime | None]


class PersonRow(Base):
    """See core.people.model.Profile."""

    __tablename__ = "person"
    __table_args__ = (
        Index("ix_person_workspace_admin", "team", "user", postgresql_where=text("is_workspace_admin")),
        Index("ix_person_home_opened_at", "home_opened_at", postgresql_where=text("home_opened_at IS NOT NULL")),
    )

    team: Mapped[str] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(primary_key=True)
    standing: Mapped[str] = mapped_column(String(20))
    name: Mapped[str]
    real_name: Mapped[str]
    is_workspace_admin: Mapped[bool]
    is_workspace_owner: Mapped[bool]
    checked_at: Mapped[datetime]
    last_active_at: Mapped[datetime | None]
    home_opened_at: Mapped[datetime | None]


class GrantRow(Base):
    """See core.access.model.Grant. Never deleted: ending one sets `until`."""

    __tablename__ = "role_grant"
    __table_args__ = (
        Index("ix_role_grant_person", "team", "user", "until"),
        Index("ix_role_grant_admin", "until", postgresql_where=text("role = 'ADMIN'")),
        Index("ix_role_grant_ending", "until", postgresql_where=text("NOT announced AND until IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    team: Mapped[str]
    user: Mapped[str]
    role: Mapped[str] = mapped_column(String(20))
    granted_by: Mapped[str]
    reason: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    announced: Mapped[bool]
    """Whether its holder was told that it ends soon."""


class ConfiguredAdminRow(Base):
    """Whom PRIME_ADMINS named when Prime last looked."""

    __tablename__ = "configured_admin"

    team: Mapped[str] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(primary_key=True)


class RequestRow(Base):
    """See core.approvals.model.AccessRequest."""

    __tablename__ = "access_request"
    __table_args__ = (
        Index("uq_access_request_open", "team", "user", unique=True, postgresql_where=text("state = 'open'")),
        Index("ix_access_request_open_since", "created_at", "id", postgresql_where=text("state = 'open'")),
        Index("ix_access_request_asker", "team", "user", "settled_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    team: Mapped[str]
    user: Mapped[str]
    role: Mapped[str] = mapped_column(String(20))
    duration_seconds: Mapped[int | None]
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    """User id, of the same team as the asker."""
    given_role: Mapped[str | None] = mapped_column(String(20))
    given_until: Mapped[datetime | None]
    denial_reason: Mapped[str]


class RequestMessageRow(Base):
    """Where a request is shown; see core.posted."""

    __tablename__ = "access_request_message"

    request_id: Mapped[int] = mapped_column(ForeignKey("access_request.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    ts: Mapped[str] = mapped_column(primary_key=True)


class MappingRow(Base):
    """See core.mappings.model.Mapping."""

    __tablename__ = "role_mapping"

    subject: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(String(20))


class GroupMemberRow(Base):
    """The members of mapped groups, as last read from Slack."""

    __tablename__ = "group_member"
    __table_args__ = (Index("ix_group_member_person", "team", "user"),)

    subject: Mapped[str] = mapped_column(ForeignKey("role_mapping.subject", ondelete="CASCADE"), primary_key=True)
    team: Mapped[str] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(primary_key=True)


# --- the catalogue ----------------------------------------------------------------------------------


class HubModelRow(Base):
    """What the Hub told of a model."""

    __tablename__ = "hub_model"

    id: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[str]
    """core.catalog.model.Model as JSON."""
    checked_at: Mapped[datetime]


class CatalogModelRow(Base):
    """A model that an ADMIN added, or with `is_listed` false one of the file that an ADMIN removed."""

    __tablename__ = "catalog_model"

    id: Mapped[str] = mapped_column(primary_key=True)
    is_listed: Mapped[bool]


class CatalogOfferRow(Base):
    """See core.catalog.model.OfferChange."""

    __tablename__ = "catalog_offer"

    provider: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(primary_key=True)
    usd_per_hour: Mapped[Decimal | None] = mapped_column(Numeric(12, 4))
    is_hidden: Mapped[bool]


class CatalogTemplateRow(Base):
    """A template that an ADMIN hid."""

    __tablename__ = "catalog_template"

    provider: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)


class CatalogLimitRow(Base):
    """See core.catalog.model.LimitChange."""

    __tablename__ = "catalog_limit"

    option: Mapped[str] = mapped_column(primary_key=True)
    minimum: Mapped[int]
    maximum: Mapped[int]
    default: Mapped[int | None]


# --- clouds' keys -----------------------------------------------------------------------------------


class ProviderKeyRow(Base):
    """See core.keys.model.ProviderKey."""

    __tablename__ = "provider_key"

    provider: Mapped[str] = mapped_column(primary_key=True)
    secret: Mapped[Sealed]
    last_four: Mapped[str] = mapped_column(String(4))
    account: Mapped[str]
    added_by: Mapped[str]
    added_at: Mapped[datetime]
    checked_at: Mapped[datetime]


# --- servers --------------------------------------------------------------------------------------


class InstallationRow(Base):
    """The one row that names this installation to clouds."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(20))


class ServerRow(Base):
    """See core.servers.model.Server. Kept when the server is deleted."""

    __tablename__ = "server"
    __table_args__ = (
        Index("uq_server_name", "name", unique=True, postgresql_where=text("state <> 'deleted'")),
        Index("ix_server_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_server_machine", "provider", "machine_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str]
    provider: Mapped[str]
    offer_type: Mapped[str]
    region: Mapped[str]
    template_id: Mapped[str]
    disk_gb: Mapped[int]
    model: Mapped[str]
    revision: Mapped[str | None]
    engine: Mapped[str] = mapped_column(String(20))
    options: Mapped[str]
    """core.catalog.model.EngineOptions as JSON."""
    static_address: Mapped[bool]
    needs_hub_token: Mapped[bool]
    idle_stop_minutes: Mapped[int | None]
    ends_at: Mapped[datetime | None]
    delete_after_minutes: Mapped[int | None]
    gpu: Mapped[str]
    """For the search, as it stands in `hardware`."""
    hardware: Mapped[str]
    """core.servers.model.Hardware as JSON."""
    owner_team: Mapped[str]
    owner_user: Mapped[str]
    channel: Mapped[str | None]
    machine_name: Mapped[str] = mapped_column(unique=True)
    machine_id: Mapped[str | None]
    address: Mapped[str | None]
    fingerprint: Mapped[str | None]
    key: Mapped[Sealed | None]
    """Gone when the server is deleted."""
    desired: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    state_since: Mapped[datetime]
    progress: Mapped[str]
    failure_kind: Mapped[str | None] = mapped_column(String(20))
    failure_message: Mapped[str | None]
    created_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    asked_at: Mapped[datetime]
    cloud_asked_at: Mapped[datetime | None]
    cloud_asks: Mapped[int]
    attempts: Mapped[int]
    missing_since: Mapped[datetime | None]
    missing_count: Mapped[int]
    secrets_at_cloud: Mapped[bool]
    stale_key: Mapped[bool]
    allows_direct_access: Mapped[bool]
    stop_reason: Mapped[str | None] = mapped_column(String(20))
    keep_until: Mapped[datetime | None]
    version: Mapped[int]
    due_at: Mapped[datetime | None]
    """When the next step is to be taken; None while the server is at rest."""
    holder: Mapped[str | None]
    lease_until: Mapped[datetime | None]


class ServerStateRow(Base):
    """Every state that a server was in, from when."""

    __tablename__ = "server_state"

    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime]


class ServerKeyReaderRow(Base):
    """Who was shown the key that a server has now."""

    __tablename__ = "server_key_reader"

    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"), primary_key=True)
    team: Mapped[str] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class ServerCardRow(Base):
    """Where a server's card is shown; see core.servers.model.CardAt."""

    __tablename__ = "server_card"

    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    ts: Mapped[str] = mapped_column(primary_key=True)


# --- the lead and what it watches -----------------------------------------------------------------


class LeadRow(Base):
    """The one row that says which replica leads. Its key is the epoch: see db.lead."""

    __tablename__ = "lead"
    __table_args__ = (CheckConstraint("one", name="one"),)

    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    one: Mapped[bool] = mapped_column(unique=True)
    holder: Mapped[str]
    until: Mapped[datetime]


class ServerPulseRow(Base):
    """See core.watch.model.Pulse."""

    __tablename__ = "server_pulse"

    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"), primary_key=True)
    checked_at: Mapped[datetime]
    unreachable_since: Mapped[datetime | None]
    told_unreachable_at: Mapped[datetime | None]
    is_told_unreachable: Mapped[bool]
    strange_looks: Mapped[int]
    used_at: Mapped[datetime]
    active_at: Mapped[datetime]
    queued: Mapped[int]
    running: Mapped[int]
    prompt_tokens: Mapped[int]
    generated_tokens: Mapped[int]
    requests_done: Mapped[int]
    requests_per_minute: Mapped[float]
    tokens_per_minute: Mapped[float]
    warned_for: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]


class ServerLoadRow(Base):
    """See core.watch.model.Load."""

    __tablename__ = "server_load"
    __table_args__ = (Index("ix_server_load_since", "since"),)

    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"), primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    generated_tokens: Mapped[int]
    requests: Mapped[int]
    queued: Mapped[int]


class UnknownMachineRow(Base):
    """See core.watch.model.UnknownMachine."""

    __tablename__ = "unknown_machine"

    provider: Mapped[str] = mapped_column(primary_key=True)
    machine_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    type: Mapped[str]
    region: Mapped[str]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    fate: Mapped[str] = mapped_column(String(20))
    is_told: Mapped[bool]


# --- engines' logs --------------------------------------------------------------------------------


class ServerLogRow(Base):
    """A server for which the log database was asked to make a role, named like its machine."""

    __tablename__ = "server_log"

    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"), primary_key=True)
    password: Mapped[Sealed]


# --- costs ----------------------------------------------------------------------------------------


class ServerChargeRow(Base):
    """See core.cost.model.Charge."""

    __tablename__ = "server_charge"
    __table_args__ = (
        Index("uq_server_charge_open", "server_id", "kind", unique=True, postgresql_where=text("until IS NULL")),
        Index("ix_server_charge_server_id", "server_id"),
        Index("ix_server_charge_until", "until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"))
    kind: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    usd_per_hour: Mapped[Decimal | None] = mapped_column(Numeric(14, 8))


class CostSettingRow(Base):
    """The one row that everybody who spends locks."""

    __tablename__ = "cost_setting"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest_channel: Mapped[str | None]


class SpendLimitRow(Base):
    """See core.cost.model.Limits; the scope is WORKSPACE, EVERYBODY or a person."""

    __tablename__ = "spend_limit"

    scope: Mapped[str] = mapped_column(primary_key=True)
    usd_per_month: Mapped[Decimal] = mapped_column(Numeric(12, 2))


class BudgetWarningRow(Base):
    """Who was warned of what."""

    __tablename__ = "budget_warning"

    scope: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    percent: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class SpendRequestRow(Base):
    """See core.cost.model.SpendRequest."""

    __tablename__ = "spend_request"
    __table_args__ = (Index("ix_spend_request_open", "id", postgresql_where=text("state = 'open'")),)

    id: Mapped[int] = mapped_column(primary_key=True)
    asker_team: Mapped[str]
    asker_user: Mapped[str]
    act: Mapped[str] = mapped_column(String(20))
    name: Mapped[str]
    spec: Mapped[str | None]
    """core.servers.model.ServerSpec as JSON."""
    despite_misfit: Mapped[bool]
    channel: Mapped[str | None]
    server_id: Mapped[int | None]
    owner_team: Mapped[str]
    owner_user: Mapped[str]
    excess: Mapped[str]
    """A list of core.cost.model.Excess as JSON."""
    state: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by_team: Mapped[str | None]
    settled_by_user: Mapped[str | None]
    denial_reason: Mapped[str]


class SpendRequestMessageRow(Base):
    """Where a request is shown; see core.posted."""

    __tablename__ = "spend_request_message"

    request_id: Mapped[int] = mapped_column(ForeignKey("spend_request.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    ts: Mapped[str] = mapped_column(primary_key=True)


# --- talking --------------------------------------------------------------------------------------


class ConversationRow(Base):
    """See core.talk.model.Conversation."""

    __tablename__ = "conversation"
    __table_args__ = (UniqueConstraint("team", "channel", "thread_ts"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    team: Mapped[str]
    channel: Mapped[str]
    thread_ts: Mapped[str]
    server_id: Mapped[int | None] = mapped_column(ForeignKey("server.id"))
    starter_user: Mapped[str]
    """Of the same team."""
    created_at: Mapped[datetime]
    began_in_thread: Mapped[bool]
    settings: Mapped[Sealed | None]
    """JSON: stop sequences are somebody's words; so in all of these."""
    next_settings: Mapped[Sealed | None]
    cleared_ts: Mapped[str]
    asked_at: Mapped[datetime]
    """When somebody last asked something in it."""
    vault: Mapped[Sealed | None]
    """`values` and `released` of core.redaction.vault.Vault as JSON."""


class ConversationKeyRow(Base):
    """What a conversation's texts are sealed with. A backup without this table cannot bring back what was forgotten."""

    __tablename__ = "conversation_key"

    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), primary_key=True)
    wrapped: Mapped[Sealed]


class TurnRow(Base):
    """See core.talk.model.Turn."""

    __tablename__ = "turn"
    __table_args__ = (
        UniqueConstraint("conversation_id", "key"),
        Index("ix_turn_order", "conversation_id", "prompt_ts", "id"),
        Index("ix_turn_open", "state", "id", postgresql_where=text("state IN ('waking', 'waiting', 'running')")),
        Index("ix_turn_author", "author_user", postgresql_where=text("state IN ('waiting', 'running')")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    key: Mapped[str]
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    author_user: Mapped[str]
    prompt_ts: Mapped[str]
    created_at: Mapped[datetime]
    replaces: Mapped[int | None] = mapped_column(ForeignKey("turn.id"))
    is_seen: Mapped[bool]
    prompt: Mapped[Sealed]
    is_redacted: Mapped[bool]
    answer: Mapped[Sealed | None]
    parts: Mapped[str]
    """core.talk.model.Part as JSON: `[[ts, start], ...]`."""
    settings: Mapped[Sealed | None]
    tries: Mapped[int]
    holder: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    stopped_by: Mapped[str | None]
    started_at: Mapped[datetime | None]
    first_token_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    prompt_tokens: Mapped[int | None]
    generated_tokens: Mapped[int | None]
    end_reason: Mapped[str | None] = mapped_column(String(20))
    redactions: Mapped[int]
    left_out: Mapped[int]
    failure: Mapped[str]
    decided: Mapped[str | None] = mapped_column(String(20))
    warned: Mapped[str]
    """core.talk.model.Turn.warned as JSON."""
    risk: Mapped[int]
    is_masked: Mapped[bool]


class TurnVoteRow(Base):
    __tablename__ = "turn_vote"

    turn_id: Mapped[int] = mapped_column(ForeignKey("turn.id"), primary_key=True)
    voter: Mapped[str] = mapped_column(primary_key=True)
    """`<team>/<user>`."""
    is_up: Mapped[bool]


class PersonTalkRow(Base):
    """How somebody likes answers to be generated."""

    __tablename__ = "person_talk"

    person: Mapped[str] = mapped_column(primary_key=True)
    """`<team>/<user>`."""
    settings: Mapped[Sealed]


class ServerTalkRow(Base):
    """See core.talk.model.ServerTalk."""

    __tablename__ = "server_talk"

    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"), primary_key=True)
    system_prompt: Mapped[Sealed]
    settings: Mapped[Sealed]


class ChannelServerRow(Base):
    """A channel's server for plain mentions."""

    __tablename__ = "channel_server"

    team: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    server_id: Mapped[int] = mapped_column(ForeignKey("server.id"))


# --- redaction ------------------------------------------------------------------------------------


class RedactionSettingRow(Base):
    """One row, once somebody changed something. See core.redaction.ports.RedactionStore."""

    __tablename__ = "redaction_setting"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    changes: Mapped[str]
    """JSON: type -> disposition."""
    retention_days: Mapped[int | None]
    list_key: Mapped[Sealed | None]
    terms_version: Mapped[int]


class ChannelRedactionRow(Base):
    """See core.redaction.policy.ChannelPolicy."""

    __tablename__ = "channel_redaction"

    team: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    changes: Mapped[str]
    is_signed: Mapped[bool]
    set_by: Mapped[str]
    """Of the same team."""


class RedactionTermRow(Base):
    """See core.redaction.ports.Term."""

    __tablename__ = "redaction_term"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    type: Mapped[str | None] = mapped_column(String(20))
    added_by_team: Mapped[str]
    added_by_user: Mapped[str]
    added_at: Mapped[datetime]


class TermProposalRow(Base):
    """See core.redaction.ports.Proposal."""

    __tablename__ = "term_proposal"
    __table_args__ = (Index("ix_term_proposal_open", "id", postgresql_where=text("decided_at IS NULL")),)

    id: Mapped[int] = mapped_column(primary_key=True)
    term: Mapped[Sealed | None]
    """None once it is decided."""
    type: Mapped[str] = mapped_column(String(20))
    asker_team: Mapped[str]
    asker_user: Mapped[str]
    asked_at: Mapped[datetime]
    decided_by_team: Mapped[str | None]
    decided_by_user: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    is_approved: Mapped[bool | None]


class TermProposalMessageRow(Base):
    """Where a proposal is shown."""

    __tablename__ = "term_proposal_message"

    proposal_id: Mapped[int] = mapped_column(ForeignKey("term_proposal.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    ts: Mapped[str] = mapped_column(primary_key=True)
