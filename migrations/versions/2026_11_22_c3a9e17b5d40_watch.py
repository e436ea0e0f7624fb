"""The lead, looks at servers, their loads, machines of nobody, and what ends servers by itself."""

import sqlalchemy as sa
from alembic import op

revision = "c3a9e17b5d40"
down_revision = "f61b9d3e4a17"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.add_column("inbox", sa.Column("tries", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("server", sa.Column("delete_after_minutes", sa.BigInteger()))
    op.add_column("server", sa.Column("stop_reason", sa.String(20)))
    op.add_column("server", sa.Column("keep_until", time))
    op.create_table(
        "lead",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("one", sa.Boolean(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", time, nullable=False),
        sa.PrimaryKeyConstraint("epoch", name="pk_lead"),
        sa.UniqueConstraint("one", name="uq_lead_one"),
        sa.CheckConstraint("one", name="ck_lead_one"),
    )
    op.create_table(
        "server_pulse",
        sa.Column("server_id", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", time, nullable=False),
        sa.Column("unreachable_since", time),
        sa.Column("told_unreachable_at", time),
        sa.Column("is_told_unreachable", sa.Boolean(), nullable=False),
        sa.Column("strange_looks", sa.BigInteger(), nullable=False),
        sa.Column("used_at", time, nullable=False),
        sa.Column("active_at", time, nullable=False),
        sa.Column("queued", sa.BigInteger(), nullable=False),
        sa.Column("running", sa.BigInteger(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("generated_tokens", sa.BigInteger(), nullable=False),
        sa.Column("requests_done", sa.BigInteger(), nullable=False),
        sa.Column("requests_per_minute", sa.Float(), nullable=False),
        sa.Column("tokens_per_minute", sa.Float(), nullable=False),
        sa.Column("warned_for", time),
        sa.Column("warned_at", time),
        sa.PrimaryKeyConstraint("server_id", name="pk_server_pulse"),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_server_pulse_server_id"),
    )
    op.create_table(
        "server_load",
        sa.Column("server_id", sa.BigInteger(), nullable=False),
        sa.Column("since", time, nullable=False),
        sa.Column("generated_tokens", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("queued", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("server_id", "since", name="pk_server_load"),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_server_load_server_id"),
    )
    op.create_index("ix_server_load_since", "server_load", ["since"])
    op.create_table(
        "unknown_machine",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("machine_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("first_seen_at", time, nullable=False),
        sa.Column("last_seen_at", time, nullable=False),
        sa.Column("fate", sa.String(20), nullable=False),
        sa.Column("is_told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "machine_id", name="pk_unknown_machine"),
    )


def downgrade() -> None:
    op.drop_table("unknown_machine")
    op.drop_table("server_load")
    op.drop_table("server_pulse")
    op.drop_table("lead")
    op.drop_column("server", "keep_until")
    op.drop_column("server", "stop_reason")
    op.drop_column("server", "delete_after_minutes")
    op.drop_column("inbox", "tries")
