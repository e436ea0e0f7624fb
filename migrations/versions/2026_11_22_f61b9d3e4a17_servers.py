"""Servers, their states and their cards."""

import sqlalchemy as sa
from alembic import op

revision = "f61b9d3e4a17"
down_revision = "a7d40c6e9f28"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "installation",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
        sa.CheckConstraint("id = 1", name="ck_installation_one"),
    )
    op.create_table(
        "server",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("offer_type", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("disk_gb", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text()),
        sa.Column("engine", sa.String(20), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("static_address", sa.Boolean(), nullable=False),
        sa.Column("needs_hub_token", sa.Boolean(), nullable=False),
        sa.Column("idle_stop_minutes", sa.BigInteger()),
        sa.Column("ends_at", time),
        sa.Column("gpu", sa.Text(), nullable=False),
        sa.Column("hardware", sa.Text(), nullable=False),
        sa.Column("owner_team", sa.Text(), nullable=False),
        sa.Column("owner_user", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text()),
        sa.Column("machine_name", sa.Text(), nullable=False),
        sa.Column("machine_id", sa.Text()),
        sa.Column("address", sa.Text()),
        sa.Column("fingerprint", sa.Text()),
        sa.Column("key", sa.LargeBinary()),
        sa.Column("desired", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("state_since", time, nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("failure_kind", sa.String(20)),
        sa.Column("failure_message", sa.Text()),
        sa.Column("created_at", time, nullable=False),
        sa.Column("ready_at", time),
        sa.Column("checked_at", time),
        sa.Column("asked_at", time, nullable=False),
        sa.Column("cloud_asked_at", time),
        sa.Column("cloud_asks", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("missing_since", time),
        sa.Column("missing_count", sa.BigInteger(), nullable=False),
        sa.Column("secrets_at_cloud", sa.Boolean(), nullable=False),
        sa.Column("stale_key", sa.Boolean(), nullable=False),
        sa.Column("allows_direct_access", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("due_at", time),
        sa.Column("holder", sa.Text()),
        sa.Column("lease_until", time),
        sa.PrimaryKeyConstraint("id", name="pk_server"),
        sa.UniqueConstraint("machine_name", name="uq_server_machine_name"),
    )
    op.create_index("uq_server_name", "server", ["name"], unique=True, postgresql_where=sa.text("state <> 'deleted'"))
    op.create_index("ix_server_due", "server", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index("ix_server_machine", "server", ["provider", "machine_id"])
    op.create_table(
        "server_state",
        sa.Column("server_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("since", time, nullable=False),
        sa.PrimaryKeyConstraint("server_id", "version", name="pk_server_state"),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_server_state_server_id"),
    )
    op.create_table(
        "server_key_reader",
        sa.Column("server_id", sa.BigInteger(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("at", time, nullable=False),
        sa.PrimaryKeyConstraint("server_id", "team", "user", name="pk_server_key_reader"),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_server_key_reader_server_id"),
    )
    op.create_table(
        "server_card",
        sa.Column("server_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("server_id", "channel", "ts", name="pk_server_card"),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_server_card_server_id"),
    )


def downgrade() -> None:
    op.drop_table("server_card")
    op.drop_table("server_key_reader")
    op.drop_table("server_state")
    op.drop_table("server")
    op.drop_table("installation")
