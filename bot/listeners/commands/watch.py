"""`/prime keep`: holds off the end that comes to a server by itself."""

from bot.grammar import parse_keep
from bot.listeners.call import Call, answer
from bot.views.kit import section
from bot.views.moments import moment
from core.access.permissions import Permission


async def handle_keep(call: Call) -> None:
    principal = await call.actor.may(Permission.RUN_SERVERS)
    name, duration = parse_keep(call.arguments)
    server = await call.services.servers.find(principal, name)
    until = call.services.clock.now() + duration
    kept = await call.services.watch.keep(principal, server.id, until=until)
    text = f"*{kept.spec.name}* is kept until {moment(kept.keep_until or until)}: Prime neither stops nor deletes it."
    await answer(call.ack, (f"{kept.spec.name} is kept", [section(text)]))
