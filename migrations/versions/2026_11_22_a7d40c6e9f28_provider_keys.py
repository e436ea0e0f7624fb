"""Clouds' keys."""

import sqlalchemy as sa
from alembic import op

revision = "a7d40c6e9f28"
down_revision = "e5a8107c2b94"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "provider_key",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_four", sa.String(4), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", time, nullable=False),
        sa.Column("checked_at", time, nullable=False),
        sa.PrimaryKeyConstraint("provider", name="pk_provider_key"),
    )


def downgrade() -> None:
    op.drop_table("provider_key")
