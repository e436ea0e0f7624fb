"""Writing App Homes again that somebody may have open.

A Home is written whenever it is opened, so what is not written here, since Prime died say, is not seen for long."""

from collections.abc import Collection

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.pacer import Priority, sending
from bot.views.home import build_home
from core.errors import PrimeError
from core.home.model import Dashboard
from core.people.model import PersonId
from core.services import Services

_log = structlog.get_logger(__name__)


class Homes:
    def __init__(self, client: AsyncWebClient, services: Services) -> None:
        self._client = client
        self._services = services
        self._servers_changed = False

    async def write(self, people: Collection[PersonId]) -> None:
        """One after the other, behind everything that somebody waits for. One who cannot be written to does not keep
        the others from theirs."""
        with sending(Priority.BACKGROUND):
            for person in people:
                await self._write(person, only_servers=False)

    def servers_changed(self) -> None:
        self._servers_changed = True

    async def refresh(self) -> None:
        """A job: once for all that changed since it last ran. It takes as long as Slack's limits make it."""
        if not self._servers_changed:
            return
        people = await self._services.home.watchers()
        self._servers_changed = False
        with sending(Priority.BACKGROUND):
            for person in people:
                await self._write(person, only_servers=True)

    async def _write(self, person: PersonId, *, only_servers: bool) -> None:
        """`only_servers`: nothing else has changed."""
        try:
            dashboard: Dashboard = await self._services.home.dashboard(person)
            if only_servers and dashboard.servers is None:
                return
            await self._client.views_publish(user_id=person.user, view=build_home(dashboard))
        except SlackApiError as error:
            _log.warning("home_not_written", error=str(error.response["error"]))
        except PrimeError as error:
            _log.warning("home_not_written", error=type(error).__name__)
