"""What servers cost, budgets, and requests to go beyond them."""

import sqlalchemy as sa
from alembic import op

revision = "d8b2f4607e15"
down_revision = "c3a9e17b5d40"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "server_charge",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("server_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("since", time, nullable=False),
        sa.Column("until", time),
        sa.Column("usd_per_hour", sa.Numeric(14, 8)),
        sa.PrimaryKeyConstraint("id", name="pk_server_charge"),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_server_charge_server_id"),
    )
    op.create_index(
        "uq_server_charge_open",
        "server_charge",
        ["server_id", "kind"],
        unique=True,
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_index("ix_server_charge_server_id", "server_charge", ["server_id"])
    op.create_index("ix_server_charge_until", "server_charge", ["until"])
    # Servers that are there already cost from here on; there are few of them.
    op.execute(
        """
        INSERT INTO server_charge (server_id, kind, since, usd_per_hour)
        SELECT id, kind, state_since, (hardware::jsonb->>price)::numeric
        FROM server CROSS JOIN (VALUES
            ('machine', 'price_usd_per_hour'),
            ('disk', 'disk_usd_per_hour'),
            ('address', 'static_address_usd_per_hour')
        ) AS charge (kind, price)
        WHERE machine_id IS NOT NULL AND state NOT IN ('gone', 'deleted')
        AND (kind <> 'address' OR static_address)
        AND (kind <> 'machine' OR state IN ('booting', 'starting', 'pulling', 'loading', 'ready', 'stopping')
            OR (state = 'failed' AND failure_kind NOT IN ('no capacity', 'quota', 'refused', 'machine')))
        """
    )
    op.create_table(
        "cost_setting",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest_channel", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_cost_setting"),
        sa.CheckConstraint("id = 1", name="ck_cost_setting_one"),
    )
    op.execute("INSERT INTO cost_setting (id) VALUES (1)")
    op.create_table(
        "spend_limit",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("usd_per_month", sa.Numeric(12, 2), nullable=False),
        sa.PrimaryKeyConstraint("scope", name="pk_spend_limit"),
    )
    op.create_table(
        "budget_warning",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("percent", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("scope", "month", "percent", name="pk_budget_warning"),
    )
    op.create_table(
        "spend_request",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("asker_team", sa.Text(), nullable=False),
        sa.Column("asker_user", sa.Text(), nullable=False),
        sa.Column("act", sa.String(20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text()),
        sa.Column("despite_misfit", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.Text()),
        sa.Column("server_id", sa.BigInteger()),
        sa.Column("owner_team", sa.Text(), nullable=False),
        sa.Column("owner_user", sa.Text(), nullable=False),
        sa.Column("excess", sa.Text(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.Column("settled_at", time),
        sa.Column("settled_by_team", sa.Text()),
        sa.Column("settled_by_user", sa.Text()),
        sa.Column("denial_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_spend_request"),
    )
    op.create_index("ix_spend_request_open", "spend_request", ["id"], postgresql_where=sa.text("state = 'open'"))
    op.create_table(
        "spend_request_message",
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", "channel", "ts", name="pk_spend_request_message"),
        sa.ForeignKeyConstraint(["request_id"], ["spend_request.id"], name="fk_spend_request_message_request_id"),
    )


def downgrade() -> None:
    op.drop_table("spend_request_message")
    op.drop_table("spend_request")
    op.drop_table("budget_warning")
    op.drop_table("spend_limit")
    op.drop_table("cost_setting")
    op.drop_table("server_charge")
