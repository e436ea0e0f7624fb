"""The rule that nobody can leave Prime without an ADMIN: what people do is refused, what Slack or configuration does
by itself is reported."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from core.access.model import Facts
from core.access.rules import is_permanent_admin
from core.errors import ConflictError
from core.notices import Notice, owe
from core.people.model import PersonId
from core.storage import Stores

HOW_TO_RECOVER = "An operator can name one with `prime admin grant USER_ID ADMIN`."


async def permanent_admins(stores: Stores, configured: Collection[PersonId], now: datetime) -> set[PersonId]:
    """Everybody who is ADMIN for a reason without an end date. Exact only under `stores.access.lock()`."""
    people = {*configured, *await stores.access.admin_candidates(now=now)}
    facts = await stores.access.facts(people, now=now)
    return {person for person in people if is_permanent_admin(with_configuration(facts[person], configured), now)}


async def refuse_if_last(
    stores: Stores, configured: Collection[PersonId], *, before: Collection[PersonId], now: datetime
) -> None:
    """Call after the change and inside its transaction. Raises ConflictError if it took the last one of `before`."""
    if before and not await permanent_admins(stores, configured, now):
        raise ConflictError(
            "That would leave Prime without an ADMIN whose role has no end date, so nothing was changed. "
            "Give somebody else ADMIN without an end date first."
        )


async def report_if_last(
    stores: Stores, configured: Collection[PersonId], *, before: Collection[PersonId], now: datetime, cause: str
) -> None:
    """Like refuse_if_last, for what cannot be refused: owes everybody concerned a loud notice."""
    if before and not await permanent_admins(stores, configured, now):
        users = sorted(person.user for person in before)
        await stores.inbox.add(owe(Notice.NO_ADMIN_LEFT, cause=cause, users=users), now=now)


def with_configuration(facts: Facts, configured: Collection[PersonId]) -> Facts:
    return replace(facts, is_configured_admin=facts.person in configured)
