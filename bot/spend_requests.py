"""What people are told of budgets: requests to go beyond one, limits that are reached, the daily digest."""

from datetime import date

from bot.once import Spot
from bot.telling import Payload, Telling
from bot.views.digest import build_digest
from bot.views.spend_requests import (
    build_budget_reached,
    build_own_request,
    build_request_message,
    describe_outcome_to_asker,
)
from core.cost.model import WORKSPACE, SpendState
from core.cost.rules import month_of
from core.people.model import PersonId
from core.services import Services

NOBODY = (
    "Prime found no other admin who could decide this. Whoever is ADMIN can change the budget itself, in `/prime cost`."
)


class SpendRequests:
    def __init__(self, telling: Telling, services: Services) -> None:
        self._telling = telling
        self._services = services

    async def opened(self, payload: Payload) -> None:
        """Notice.SPEND_REQUEST_OPENED: to the asker, and to the admins."""
        request = await self._services.costs.request(int(payload["request_id"]))
        if request.state is not SpendState.OPEN:
            return
        asker, key = request.asker, f"spend/{request.id}"
        own = await self._telling.to_person(asker.user, build_own_request(request), key=key, payload=payload)
        message = build_request_message(request)
        shown = await self._telling.to_admins(message, key=key, payload=payload, but=asker)
        for posted in shown if own is None else [own, *shown]:
            await self._services.costs.shown_at(request.id, posted)
        if not shown:
            await self._telling.to_person(asker.user, NOBODY, key=f"spend-nobody/{request.id}", payload=payload)

    async def settled(self, payload: Payload) -> None:
        """Notice.SPEND_REQUEST_SETTLED: nothing is to be pressed any more, and the asker hears of it."""
        request = await self._services.costs.request(int(payload["request_id"]))
        own = await self._telling.direct(request.asker.user)
        messages = await self._services.costs.messages(request.id)
        await self._telling.edit([one for one in messages if one.channel == own], build_own_request(request))
        await self._telling.edit([one for one in messages if one.channel != own], build_request_message(request))
        if request.state is not SpendState.WITHDRAWN:
            told, key = describe_outcome_to_asker(request), f"spend-settled/{request.id}"
            await self._telling.to_person(request.asker.user, told, key=key, payload=payload)

    async def budget_reached(self, payload: Payload) -> None:
        """Notice.BUDGET_REACHED: to each ADMIN, and to the person whose budget it is. Not once the month is over, or
        the limit gone."""
        scope, costs = str(payload["scope"]), self._services.costs
        if date.fromisoformat(payload["month"]) != month_of(self._services.clock.now()).date():
            return
        people = set(await self._services.access.admins())
        if scope == WORKSPACE:
            budget = await costs.workspace()
        else:
            person = PersonId(*scope.split("/"))
            people.add(person)
            budget = (await costs.home(person)).own
        if budget.limit_usd is None:
            return
        percent = int(payload["percent"])
        message = build_budget_reached(budget, percent)
        key = f"budget/{scope}/{payload['month']}/{percent}"
        for person in sorted(people):
            await self._telling.to_person(person.user, message, key=key, payload=payload)

    async def digest(self, payload: Payload) -> None:
        """Notice.COST_DIGEST: to the channel that is set by now."""
        costs = self._services.costs
        channel = await costs.digest_channel()
        if channel is None:
            return
        message = build_digest(await costs.day(date.fromisoformat(payload["day"])), await costs.workspace())
        await self._telling.post(Spot(channel=channel), message, key=f"digest/{payload['day']}", payload=payload)
