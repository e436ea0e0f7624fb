import asyncio

import click

from bot.database import open_database
from bot.settings import Settings
from db import programs


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("program")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def postgres(program: str, words: tuple[str, ...]) -> None:
    """Run a program of Postgres on Prime's database, the embedded one included: psql, pg_dump, pg_restore."""
    raise click.exceptions.Exit(asyncio.run(_run(Settings.load(), [program, *words])))


async def _run(settings: Settings, words: list[str]) -> int:
    async with open_database(settings, migrate=False) as database:
        return await asyncio.to_thread(programs.run, words, url=database.url)
