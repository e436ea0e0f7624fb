"""What admins changed in the catalogue, and what the Hub told of models."""

import sqlalchemy as sa
from alembic import op

revision = "e5a8107c2b94"
down_revision = "d90c3a51e7b4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hub_model",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hub_model"),
    )
    op.create_table(
        "catalog_model",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("is_listed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_model"),
    )
    op.create_table(
        "catalog_offer",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("usd_per_hour", sa.Numeric(12, 4)),
        sa.Column("is_hidden", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "type", name="pk_catalog_offer"),
    )
    op.create_table(
        "catalog_template",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "id", name="pk_catalog_template"),
    )
    op.create_table(
        "catalog_limit",
        sa.Column("option", sa.Text(), nullable=False),
        sa.Column("minimum", sa.BigInteger(), nullable=False),
        sa.Column("maximum", sa.BigInteger(), nullable=False),
        sa.Column("default", sa.BigInteger()),
        sa.PrimaryKeyConstraint("option", name="pk_catalog_limit"),
    )


def downgrade() -> None:
    for table in ("catalog_limit", "catalog_template", "catalog_offer", "catalog_model", "hub_model"):
        op.drop_table(table)
