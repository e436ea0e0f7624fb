"""Who acts: put into the Bolt context for every request that a person caused."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext

from core.access.model import Holder, Principal
from core.access.permissions import Permission, require
from core.errors import UnavailableError
from core.people.model import PersonId
from core.services import Services

RESOLVE_SECONDS = 2.0
"""Of the three seconds that Slack waits, what asking who somebody is may take."""


class Actor:
    """A person at the moment of their act. The role is asked for when it is needed, and then anew."""

    def __init__(self, person: PersonId, services: Services) -> None:
        self.person = person
        self._services = services

    async def principal(self) -> Principal:
        """Raises UnavailableError if Slack or the database cannot say in time who they are."""
        holder = await self.holder()
        return Principal(person=self.person, role=holder.role)

    async def holder(self) -> Holder:
        """The role with its reasons. Raises UnavailableError."""
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                return await self._services.access.standing_of(self.person)
        except TimeoutError as error:
            raise UnavailableError("Prime could not check your role in time. Please try again in a minute.") from error

    async def may(self, permission: Permission) -> Principal:
        """Raises AccessDeniedError if their role does not allow it, UnavailableError."""
        principal = await self.principal()
        require(principal.role, permission)
        return principal


def actor_middleware(services: Services, *, team: str) -> Callable[..., Awaitable[None]]:
    """Gives listeners `services`, and `actor` where a person acts. The identity is our team and the user id; what Slack
    says of that user decides whether they are one of ours."""

    async def who_acts(context: AsyncBoltContext, next_: Callable[[], Awaitable[Any]]) -> None:
        context["services"] = services
        context["actor"] = Actor(PersonId(team, context.user_id), services) if context.user_id else None
        await next_()

    return who_acts
