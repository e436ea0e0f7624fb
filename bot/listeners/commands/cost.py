"""`/prime cost [days]`."""

from bot.grammar import parse_cost
from bot.listeners.call import Call, answer
from bot.views.cost import build_cost
from core.access.permissions import Permission

USUAL_DAYS = 30


async def handle_cost(call: Call) -> None:
    principal = await call.actor.may(Permission.SEE_COSTS)
    asked = parse_cost(call.arguments)
    days = USUAL_DAYS if asked is None else asked
    report = await call.services.costs.report(principal, days)
    month = await call.services.costs.home(principal.person)
    await answer(call.ack, build_cost(report, month, days=days, role=principal.role))
