"""Whoever stores work for others wakes them."""

from alembic import op

revision = "5a1e8c7f02d6"
down_revision = "91d4c7e20b5f"
branch_labels = None
depends_on = None

_FUNCTION = """
CREATE FUNCTION prime_news() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('prime_news', TG_TABLE_NAME);
    RETURN NULL;
END $$
"""
_TRIGGERS = {
    "inbox": ("AFTER INSERT", ""),
    "turn": (
        "AFTER UPDATE OF state, stopped_by",
        "WHEN (NEW.state = 'waiting' AND OLD.state <> 'waiting' OR NEW.stopped_by IS DISTINCT FROM OLD.stopped_by)",
    ),
}


def upgrade() -> None:
    op.execute(_FUNCTION)
    for table, (occasion, condition) in _TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER tell_news {occasion} ON {table} FOR EACH ROW {condition} EXECUTE FUNCTION prime_news()"
        )


def downgrade() -> None:
    for table in _TRIGGERS:
        op.execute(f"DROP TRIGGER tell_news ON {table}")
    op.execute("DROP FUNCTION prime_news()")
