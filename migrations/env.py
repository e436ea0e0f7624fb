"""How Alembic runs the revisions: on the connection of `db.migrate`, or on `-x url=…` for a developer's command."""

from alembic import context
from sqlalchemy import Connection, NullPool, create_engine

from db.engine import driver_url
from db.models import Base


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    url = context.get_x_argument(as_dictionary=True)["url"]
    with create_engine(driver_url(url), poolclass=NullPool).connect() as own:
        run(own)
