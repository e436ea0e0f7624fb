import asyncio
import getpass

import click

from bot.budgets import LocalBudgets
from bot.database import open_database, require_schema
from bot.directory import SlackDirectory
from bot.grammar import is_user_id, parse_role
from bot.identity import who_am_i
from bot.main import open_sender
from bot.settings import Settings
from core.access.model import Role
from core.access.service import Access
from core.clock import SystemClock
from core.errors import InvalidInputError
from core.people.model import PersonId
from core.people.service import People


@click.group
def admin() -> None:
    """What an operator may do when nobody in Slack can."""


@admin.command
@click.argument("user_id")
@click.argument("role")
def grant(user_id: str, role: str) -> None:
    """Give ROLE (NONE, READ, READ_WRITE, ADMIN) to the person with this Slack id, without an end date."""
    if not is_user_id(user_id):
        raise InvalidInputError(f"{user_id} is not a Slack user id such as U012ABCDEF.")
    wanted = parse_role(role)
    asyncio.run(_grant(Settings.load(), user_id, wanted))
    print(f"{user_id} has the role {wanted} by a grant." if wanted else f"{user_id} holds no grant any more.")


async def _grant(settings: Settings, user_id: str, role: Role) -> None:
    clock = SystemClock()
    async with (
        open_database(settings, migrate=False) as database,
        open_sender(settings, LocalBudgets(), clock) as sender,
    ):
        await require_schema(database.storage)
        team = (await who_am_i(sender)).team
        configured = frozenset(PersonId(team, user) for user in settings.prime_admins)
        directory = SlackDirectory(sender, clock, team=team)
        people = People(database.storage, clock, directory, team=team, configured_admins=configured)
        access = Access(database.storage, clock, people, configured_admins=configured)
        await access.break_glass(PersonId(team, user_id), role, operator=getpass.getuser())
