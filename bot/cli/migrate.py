import asyncio

import click

from bot.database import open_database, open_log_database
from bot.settings import Settings
from core.errors import ConfigurationError
from db.migrate import current_revision, upgrade


@click.command
@click.option("--logs", is_flag=True, help="Set up the log database (LOG_DATABASE_URL) instead.")
def migrate(*, logs: bool) -> None:
    """Bring the database to this version's schema. Safe to repeat, and from several replicas at once."""
    settings = Settings.load()
    if logs:
        asyncio.run(_prepare_logs(settings))
        print("The log database is set up.")
    elif settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        upgrade(url)
        print(f"The database is at revision {current_revision(url)}.")
    else:
        print(f"The database is at revision {asyncio.run(_migrate_embedded(settings))}.")


async def _migrate_embedded(settings: Settings) -> str | None:
    async with open_database(settings) as database:
        return current_revision(database.url)


async def _prepare_logs(settings: Settings) -> None:
    database = open_log_database(settings)
    if database is None:
        raise ConfigurationError(
            "LOG_DATABASE_URL is not set. Give it a Postgres of its own, as postgresql://user:password@host:port/name."
        )
    try:
        await database.prepare()
    finally:
        await database.aclose()
