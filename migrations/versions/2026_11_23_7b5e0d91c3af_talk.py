"""Conversations and their turns."""

import sqlalchemy as sa
from alembic import op

revision = "7b5e0d91c3af"
down_revision = "e94c1d7a3b62"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('waking', 'waiting', 'running')")
_HELD = sa.text("state IN ('waiting', 'running')")


def upgrade() -> None:
    op.create_index("ix_inbox_order_key", "inbox", ["order_key"])
    op.create_table(
        "conversation",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread_ts", sa.Text(), nullable=False),
        sa.Column("server_id", sa.BigInteger(), nullable=True),
        sa.Column("starter_user", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_in_thread", sa.Boolean(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=True),
        sa.Column("next_settings", sa.LargeBinary(), nullable=True),
        sa.Column("cleared_ts", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vault", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_conversation"),
        sa.UniqueConstraint("team", "channel", "thread_ts", name="uq_conversation_team_channel_thread_ts"),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_conversation_server_id"),
    )
    op.create_table(
        "turn",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("author_user", sa.Text(), nullable=False),
        sa.Column("prompt_ts", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaces", sa.BigInteger(), nullable=True),
        sa.Column("is_seen", sa.Boolean(), nullable=False),
        sa.Column("prompt", sa.LargeBinary(), nullable=False),
        sa.Column("is_redacted", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_by", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_token_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=True),
        sa.Column("generated_tokens", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.String(20), nullable=True),
        sa.Column("redactions", sa.BigInteger(), nullable=False),
        sa.Column("left_out", sa.BigInteger(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turn"),
        sa.UniqueConstraint("conversation_id", "key", name="uq_turn_conversation_id_key"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_turn_conversation_id"),
        sa.ForeignKeyConstraint(["replaces"], ["turn.id"], name="fk_turn_replaces"),
    )
    op.create_index("ix_turn_order", "turn", ["conversation_id", "prompt_ts", "id"])
    op.create_index("ix_turn_open", "turn", ["state", "id"], postgresql_where=_OPEN)
    op.create_index("ix_turn_author", "turn", ["author_user"], postgresql_where=_HELD)
    op.create_table(
        "turn_vote",
        sa.Column("turn_id", sa.BigInteger(), nullable=False),
        sa.Column("voter", sa.Text(), nullable=False),
        sa.Column("is_up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("turn_id", "voter", name="pk_turn_vote"),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name="fk_turn_vote_turn_id"),
    )
    op.create_table(
        "person_talk",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_person_talk"),
    )
    op.create_table(
        "server_talk",
        sa.Column("server_id", sa.BigInteger(), nullable=False),
        sa.Column("system_prompt", sa.LargeBinary(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("server_id", name="pk_server_talk"),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_server_talk_server_id"),
    )
    op.create_table(
        "channel_server",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("server_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", "channel", name="pk_channel_server"),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_channel_server_server_id"),
    )


def downgrade() -> None:
    for table in ("channel_server", "server_talk", "person_talk", "turn_vote", "turn", "conversation"):
        op.drop_table(table)
    op.drop_index("ix_inbox_order_key", "inbox")
