"""`/prime logs NAME [lines]`."""

from bot.grammar import parse_logs
from bot.listeners.call import Call, answer
from bot.views.logs import Choice, build_logs
from core.access.permissions import Permission


async def handle_logs(call: Call) -> None:
    principal = await call.actor.may(Permission.SEE_SERVERS)
    asked = parse_logs(call.arguments)
    server = await call.services.servers.find(principal, asked.name)
    choice = Choice(server_id=server.id, lines=asked.lines)
    tail = await call.services.logs.tail(server, at_least=choice.at_least, limit=choice.lines)
    await answer(call.ack, build_logs(server, tail, choice, now=call.services.clock.now()))
