"""The tables. Every time comes from Prime's clock, none from SQL."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, MetaData, String, Text, text
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
    """How often it was claimed and not handed back."""
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
    """Where a request is shown; see core.approvals.model.PostedAt."""

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
