"""What is done with what is found, a team's lists, and a key for each conversation."""

import sqlalchemy as sa
from alembic import op

revision = "91d4c7e20b5f"
down_revision = "7b5e0d91c3af"
branch_labels = None
depends_on = None

# An older replica that is still up writes rows without the new columns.
_NO, _NOTHING, _NONE = sa.text("false"), sa.text("0"), sa.text("''")


def upgrade() -> None:
    op.add_column("person", sa.Column("real_name", sa.Text(), nullable=False, server_default=_NONE))
    op.add_column("turn", sa.Column("decided", sa.String(20), nullable=True))
    op.add_column("turn", sa.Column("warned", sa.Text(), nullable=False, server_default=_NONE))
    op.add_column("turn", sa.Column("risk", sa.BigInteger(), nullable=False, server_default=_NOTHING))
    op.add_column("turn", sa.Column("is_masked", sa.Boolean(), nullable=False, server_default=_NO))
    op.create_table(
        "conversation_key",
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_conversation_key"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_conversation_key_conversation_id"),
    )
    op.create_table(
        "redaction_setting",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("retention_days", sa.BigInteger(), nullable=True),
        sa.Column("list_key", sa.LargeBinary(), nullable=True),
        sa.Column("terms_version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_redaction_setting"),
        sa.CheckConstraint("id = 1", name="ck_redaction_setting_one_row"),
    )
    op.create_table(
        "channel_redaction",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("is_signed", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("team", "channel", name="pk_channel_redaction"),
    )
    op.create_table(
        "redaction_term",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("type", sa.String(20), nullable=True),
        sa.Column("added_by_team", sa.Text(), nullable=False),
        sa.Column("added_by_user", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_redaction_term"),
    )
    op.create_table(
        "term_proposal",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.LargeBinary(), nullable=True),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("asker_team", sa.Text(), nullable=False),
        sa.Column("asker_user", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_team", sa.Text(), nullable=True),
        sa.Column("decided_by_user", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_approved", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_term_proposal"),
    )
    op.create_index("ix_term_proposal_open", "term_proposal", ["id"], postgresql_where=sa.text("decided_at IS NULL"))
    op.create_table(
        "term_proposal_message",
        sa.Column("proposal_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", "channel", "ts", name="pk_term_proposal_message"),
        sa.ForeignKeyConstraint(["proposal_id"], ["term_proposal.id"], name="fk_term_proposal_message_proposal_id"),
    )


def downgrade() -> None:
    for table in (
        "term_proposal_message",
        "term_proposal",
        "redaction_term",
        "channel_redaction",
        "redaction_setting",
        "conversation_key",
    ):
        op.drop_table(table)
    for column in ("is_masked", "risk", "warned", "decided"):
        op.drop_column("turn", column)
    op.drop_column("person", "real_name")
