"""Inbox, audit chain, budgets."""

import sqlalchemy as sa
from alembic import op

revision = "3c1f6a0d9b27"
down_revision = None
branch_labels = None
depends_on = None

UNFINISHED = sa.text("state IN ('waiting', 'claimed')")


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("event_id", sa.Text()),
        sa.Column("work_key", sa.Text()),
        sa.Column("order_key", sa.Text()),
        sa.Column("payload", sa.LargeBinary()),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("received_at", time, nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text()),
        sa.Column("lease_until", time),
        sa.Column("finished_at", time),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sa.UniqueConstraint("event_id", name="uq_inbox_event_id"),
        sa.UniqueConstraint("work_key", name="uq_inbox_work_key"),
    )
    op.create_index("ix_inbox_unfinished", "inbox", ["received_at", "id"], postgresql_where=UNFINISHED)
    op.create_index("ix_inbox_order", "inbox", ["order_key", "received_at", "id"], postgresql_where=UNFINISHED)
    op.create_index("ix_inbox_finished", "inbox", ["finished_at"], postgresql_where=sa.text("finished_at IS NOT NULL"))
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", time, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_actor", "audit", ["actor", "seq"])
    op.create_index("ix_audit_target", "audit", ["target", "seq"])
    op.create_index("ix_audit_action", "audit", ["action", "seq"], postgresql_ops={"action": "text_pattern_ops"})
    op.create_table(
        "audit_head",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
        sa.CheckConstraint("id = 1", name="one"),
    )
    # core.audit.rules.EMPTY_HEAD
    op.execute(
        "INSERT INTO audit_head (id, seq, mac, first_seq, key_id, seal) "
        "VALUES (1, 0, decode(repeat('00', 32), 'hex'), 1, '', '')"
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("from_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("through_seq", sa.BigInteger(), nullable=False),
        sa.Column("through_mac", sa.LargeBinary(), nullable=False),
        sa.Column("kept_from", time, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("from_seq", name="pk_audit_checkpoint"),
    )
    op.execute(
        """
        CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit'
                AND current_setting('prime.audit_retention', true) = 'on'
            THEN
                RETURN NULL;
            END IF;
            RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    for table in ("audit", "audit_checkpoint"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
        )
    op.create_table(
        "budget",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("full_at", time),
        sa.Column("blocked_until", time),
        sa.PrimaryKeyConstraint("name", name="pk_budget"),
    )


def downgrade() -> None:
    for table in ("budget", "audit_checkpoint", "audit_head", "audit", "inbox"):
        op.drop_table(table)
    op.execute("DROP FUNCTION audit_is_append_only")
