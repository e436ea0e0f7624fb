"""What lets machines write their logs."""

import sqlalchemy as sa
from alembic import op

revision = "e94c1d7a3b62"
down_revision = "d8b2f4607e15"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "server_log",
        sa.Column("server_id", sa.BigInteger(), nullable=False),
        sa.Column("password", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("server_id", name="pk_server_log"),
        sa.ForeignKeyConstraint(["server_id"], ["server.id"], name="fk_server_log_server_id"),
    )


def downgrade() -> None:
    op.drop_table("server_log")
