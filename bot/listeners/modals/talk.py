"""Submitted settings of answers, and a question about a message."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actor import Actor
from bot.asking_about import about_of, place_in
from bot.forms import number_in, optional_choice_of, text_of
from bot.ids import Input
from bot.talk_settings import read_settings, scope_of, settings_place
from core.access.permissions import Permission
from core.errors import InvalidInputError
from core.services import Services
from core.talk.model import ServerTalk

View = Mapping[str, Any]


async def handle_talk_settings_submitted(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.TALK)
    place = await settings_place(services, view.get("private_metadata"))
    scope = scope_of(view, place)
    await services.tuning.save_settings(principal, scope, read_settings(view), place_id=place.id_of(scope))
    await ack()


async def handle_server_talk_submitted(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.SET_SERVER_TALK)
    server_id = number_in(view.get("private_metadata"))
    talk = ServerTalk(system_prompt=text_of(view, Input.SYSTEM_PROMPT).strip(), settings=read_settings(view))
    await services.tuning.save_server_talk(principal, server_id, talk)
    await ack()


async def handle_ask_about(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    """The question is asked where the message stands, by a notice."""
    principal = await actor.may(Permission.TALK)
    channel, thread_ts = place_in(view.get("private_metadata"))
    prompt, about = text_of(view, Input.PROMPT).strip(), about_of(view)
    if not prompt and not about:
        raise InvalidInputError("There are no words in that message. What do you want to ask?", field=Input.PROMPT)
    server = optional_choice_of(view, Input.SERVER)
    server_id = None if server is None else (await services.servers.get(number_in(server))).id
    await services.talk.open_chat(
        principal,
        channel=channel,
        server_id=server_id,
        prompt=prompt,
        key=str(view["id"]),
        about=about,
        thread_ts=thread_ts,
    )
    await ack()
