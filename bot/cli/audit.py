import asyncio

import click

from bot.database import open_database, require_schema
from bot.settings import Settings
from core.audit.service import VerifyReport, verify
from core.errors import PrimeError


@click.group
def audit() -> None:
    """The log of who changed what."""


@audit.command("verify")
def verify_command() -> None:
    """Read the whole log and check that nothing in it was edited, removed, added or moved."""
    report = asyncio.run(_verify(Settings.load()))
    if report.problems:
        raise PrimeError("\n".join(["The audit log is not as Prime wrote it:", *report.problems]))
    head = report.head.seq if report.head else 0
    print(f"The audit log is whole: {report.rows} rows, the newest is number {head}.")


async def _verify(settings: Settings) -> VerifyReport:
    async with open_database(settings, migrate=False) as database:
        await require_schema(database.storage)
        return await verify(database.storage, database.keys.audit)
