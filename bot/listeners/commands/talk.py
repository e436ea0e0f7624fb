"""`/prime chat`, `/prime default` and `/prime settings`."""

from bot.grammar import parse_server
from bot.listeners.call import Call, answer
from bot.prompts import typed_text
from bot.talk_settings import SettingsPlace, draw_settings
from bot.views.kit import context, section
from core.access.model import Principal
from core.access.permissions import Permission
from core.errors import InvalidInputError, NotFoundError
from core.servers.model import Server
from core.talk.rules import check_talks
from core.talk.tuning import Scope

NO_SERVER = "none"
_DEFAULT_USAGE = "Write `/prime default NAME`, or `/prime default none`: `/prime servers` lists the names."


async def handle_chat(call: Call) -> None:
    """The thread is begun by a notice."""
    principal = await call.actor.may(Permission.TALK)
    server, prompt = await _server_and_prompt(call, principal)
    if server is not None:
        check_talks(server)
    await call.services.talk.open_chat(
        principal,
        channel=str(call.body["channel_id"]),
        server_id=None if server is None else server.id,
        prompt=prompt,
        key=str(call.body["trigger_id"]),
    )
    whom = "a model" if server is None else f"*{server.spec.name}*"
    text = f"Prime begins a thread with {whom}."
    await answer(call.ack, (text, [context(text)]))


async def handle_default(call: Call) -> None:
    principal = await call.actor.may(Permission.CHOOSE_CHANNEL_SERVER)
    word = call.arguments.strip()
    if not word:
        raise InvalidInputError(_DEFAULT_USAGE)
    server = None if word.lower() == NO_SERVER else await call.services.servers.find(principal, parse_server(word))
    channel = str(call.body["channel_id"])
    await call.services.tuning.set_channel_server(
        principal, principal.person.team, channel, None if server is None else server.id
    )
    text = "Mentions here have no server of their own any more."
    if server is not None:
        text = f"*{server.spec.name}* answers here from now on, unless a mention names another: `@Prime on NAME: ...`."
    await answer(call.ack, (text, [section(text)]))


async def handle_settings(call: Call) -> None:
    principal = await call.actor.may(Permission.TALK)
    place = SettingsPlace(turn_id=None, conversation=None)
    view = await draw_settings(call.services, principal, place, Scope.PERSON)
    await call.client.views_open(trigger_id=call.body["trigger_id"], view=view)
    await call.ack()


async def _server_and_prompt(call: Call, principal: Principal) -> tuple[Server | None, str]:
    """The first word names a server if there is one of just this name. Alone, it may be the beginning of a name too:
    in front of a prompt, `a` or `can` would be one by accident."""
    prompt = typed_text(call.arguments).strip()
    word, rest = [*prompt.split(maxsplit=1), "", ""][:2]
    if not word or not word.isprintable():
        return None, prompt
    try:
        server = await call.services.servers.find(principal, word)
    except (NotFoundError, InvalidInputError):
        return None, prompt
    if rest and server.spec.name != word.lower():
        return None, prompt
    return server, rest.strip()
