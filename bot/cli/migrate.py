import asyncio

import click

from bot.database import open_database
from bot.settings import Settings
from db.migrate import current_revision, upgrade


@click.command
def migrate() -> None:
    """Bring the database to this version's schema. Safe to repeat, and from several replicas at once."""
    settings = Settings.load()
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        upgrade(url)
        print(f"The database is at revision {current_revision(url)}.")
    else:
        print(f"The database is at revision {asyncio.run(_migrate_embedded(settings))}.")


async def _migrate_embedded(settings: Settings) -> str | None:
    async with open_database(settings) as database:
        return current_revision(database.url)
