"""Whom PRIME_ADMINS named, so that a change of it is seen."""

import sqlalchemy as sa
from alembic import op

revision = "d90c3a51e7b4"
down_revision = "b41d7e8c2f05"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "configured_admin",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("team", "user", name="pk_configured_admin"),
    )


def downgrade() -> None:
    op.drop_table("configured_admin")
