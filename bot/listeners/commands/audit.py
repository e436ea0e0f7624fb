"""`/prime audit [@person|server NAME]`."""

from bot.grammar import parse_audit
from bot.listeners.call import Call, answer
from bot.views.audit import build_audit_page
from core.access.permissions import Permission


async def handle_audit(call: Call) -> None:
    principal = await call.actor.may(Permission.SEE_AUDIT)
    about = parse_audit(call.arguments, team=principal.person.team)
    page = await call.services.audit.read(principal, about=about)
    await answer(call.ack, ("Audit log", build_audit_page(page)))
