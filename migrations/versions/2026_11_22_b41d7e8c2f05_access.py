"""People, roles, requests, mappings."""

import sqlalchemy as sa
from alembic import op

revision = "b41d7e8c2f05"
down_revision = "3c1f6a0d9b27"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "person",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("standing", sa.String(20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_workspace_admin", sa.Boolean(), nullable=False),
        sa.Column("is_workspace_owner", sa.Boolean(), nullable=False),
        sa.Column("checked_at", time, nullable=False),
        sa.Column("last_active_at", time),
        sa.Column("home_opened_at", time),
        sa.PrimaryKeyConstraint("team", "user", name="pk_person"),
    )
    op.create_index(
        "ix_person_workspace_admin", "person", ["team", "user"], postgresql_where=sa.text("is_workspace_admin")
    )
    op.create_index(
        "ix_person_home_opened_at",
        "person",
        ["home_opened_at"],
        postgresql_where=sa.text("home_opened_at IS NOT NULL"),
    )
    op.create_table(
        "role_grant",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", time, nullable=False),
        sa.Column("until", time),
        sa.Column("announced", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_role_grant"),
    )
    op.create_index("ix_role_grant_person", "role_grant", ["team", "user", "until"])
    op.create_index("ix_role_grant_admin", "role_grant", ["until"], postgresql_where=sa.text("role = 'ADMIN'"))
    op.create_index(
        "ix_role_grant_ending",
        "role_grant",
        ["until"],
        postgresql_where=sa.text("NOT announced AND until IS NOT NULL"),
    )
    op.create_table(
        "access_request",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("duration_seconds", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.Column("settled_at", time),
        sa.Column("settled_by", sa.Text()),
        sa.Column("given_role", sa.String(20)),
        sa.Column("given_until", time),
        sa.Column("denial_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_request"),
    )
    op.create_index("uq_access_request_open", "access_request", ["team", "user"], unique=True, postgresql_where=OPEN)
    op.create_index("ix_access_request_open_since", "access_request", ["created_at", "id"], postgresql_where=OPEN)
    op.create_index("ix_access_request_asker", "access_request", ["team", "user", "settled_at"])
    op.create_table(
        "access_request_message",
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", "channel", "ts", name="pk_access_request_message"),
        sa.ForeignKeyConstraint(["request_id"], ["access_request.id"], name="fk_access_request_message_request_id"),
    )
    op.create_table(
        "role_mapping",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_role_mapping"),
    )
    op.create_table(
        "group_member",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "team", "user", name="pk_group_member"),
        sa.ForeignKeyConstraint(
            ["subject"], ["role_mapping.subject"], name="fk_group_member_subject", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_group_member_person", "group_member", ["team", "user"])


def downgrade() -> None:
    for table in ("group_member", "role_mapping", "access_request_message", "access_request", "role_grant", "person"):
        op.drop_table(table)
