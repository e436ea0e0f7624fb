"""What people are told of access: requests for it, roles given, taken away and about to end."""

from datetime import datetime

import structlog

from bot.ids import Action
from bot.once import Spot
from bot.telling import Payload, Telling
from bot.views.access import build_request_message, describe_outcome_to_asker, describe_sent
from bot.views.kit import actions, button, section
from bot.views.moments import until
from core.access.last_admin import HOW_TO_RECOVER
from core.approvals.model import RequestState
from core.services import Services

NOBODY = f"Prime found no admin who could decide your request. {HOW_TO_RECOVER}"

_log = structlog.get_logger(__name__)


class AccessNews:
    def __init__(self, telling: Telling, services: Services, *, team: str) -> None:
        self._telling = telling
        self._services = services
        self._team = team

    async def opened(self, payload: Payload) -> None:
        """Notice.REQUEST_OPENED: to the asker, and to the admins."""
        request = await self._services.approvals.request(int(payload["request_id"]))
        if request.state is not RequestState.OPEN:
            return
        asker, key = request.asker, f"request/{request.id}"
        await self._telling.to_person(asker.user, describe_sent(request), key=f"{key}-sent", payload=payload)
        message = build_request_message(request)
        shown = await self._telling.to_admins(message, key=key, payload=payload, but=asker)
        for posted in shown:
            await self._services.approvals.shown_at(request.id, posted)
        if not shown:
            await self._telling.to_person(asker.user, NOBODY, key=f"{key}-nobody", payload=payload)

    async def settled(self, payload: Payload) -> None:
        """Notice.REQUEST_SETTLED: nothing is to be pressed any more, and the asker hears of it."""
        request = await self._services.approvals.request(int(payload["request_id"]))
        await self._telling.edit(await self._services.approvals.messages(request.id), build_request_message(request))
        if request.state is not RequestState.WITHDRAWN:
            told = describe_outcome_to_asker(request)
            await self._telling.to_person(
                request.asker.user, told, key=f"request-settled/{request.id}", payload=payload
            )

    async def role_changed(self, payload: Payload) -> None:
        """Notice.ROLE_CHANGED."""
        team, _, by = str(payload["by"]).partition("/")
        who = f"<@{by}>" if team == self._team else "An operator"
        if payload["role"] == "NONE":
            text = f"{who} took your grants in Prime away. `/prime access` shows what you have now."
        else:
            end = until(_moment(payload["until"]))
            text = f"{who} gave you the role *{payload['role']}* in Prime, {end}. `/prime help` shows what you can do."
        await self._telling.to_person(payload["user"], text, key=f"role/{payload['delivery']}", payload=payload)

    async def grant_ending(self, payload: Payload) -> None:
        """Notice.GRANT_ENDING."""
        text = f"Your role *{payload['role']}* in Prime is yours only {until(_moment(payload['until']))}."
        message = text, [section(text), actions(button("Ask to keep it", Action.ACCESS_ASK))]
        key = f"grant-ending/{payload['delivery']}"
        await self._telling.to_person(payload["user"], message, key=key, payload=payload)

    async def no_admin_left(self, payload: Payload) -> None:
        """Notice.NO_ADMIN_LEFT. Loud: to the log, to the approval channel, to the workspace's owners and to whoever was
        ADMIN."""
        _log.error("no_admin_left", cause=payload["cause"])
        text = f":rotating_light: Prime has no ADMIN without an end date any more. {HOW_TO_RECOVER}"
        key = f"no-admin/{payload['delivery']}"
        if self._telling.approval_channel is not None:
            spot = Spot(channel=self._telling.approval_channel)
            await self._telling.post(spot, (text, [section(text)]), key=key, payload=payload)
        owners = await self._services.people.workspace_owners()
        for user in sorted({person.user for person in owners} | set(payload["users"])):
            await self._telling.to_person(user, text, key=key, payload=payload)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
