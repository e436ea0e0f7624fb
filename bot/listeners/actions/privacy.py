"""The buttons of a prompt that waits for its author's word, and of what a model saw. Their value is the turn's id."""

import asyncio
from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.answer_parts import cuts, part_text
from bot.forms import number_in
from bot.ids import Action
from bot.marks import mark
from bot.open_views import redraw_open
from bot.requests import view_of
from bot.sender import Respond
from bot.views.menu import Message
from bot.views.problem import build_problem_modal
from bot.views.seen import build_forgotten_modal, build_revealed, build_seen_modal
from bot.views.warning import build_decided, build_looking_modal, build_not_personal_modal, build_warning
from core.access.permissions import Permission
from core.errors import AccessDeniedError, ConflictError, PrimeError
from core.services import Services
from core.talk.privacy import Choice

FORGOTTEN = "This thread was forgotten: the model does not know anything above any more."
TOOK_LONG = "Looking through your message took too long just now. Please press the button again."
LOOK_SECONDS = 1.8
"""Of the three that Slack waits, what looking through a message may take."""
_MESSAGES_OF_A_REPLY = 4
"""A response URL takes five, of which one is for what goes wrong."""
_CHOICES = {
    Action.WARNING_REDACTED: Choice.REDACTED,
    Action.WARNING_AS_IS: Choice.AS_IS,
    Action.WARNING_CANCEL: Choice.CANCEL,
}

Body = Mapping[str, Any]
Pressed = Mapping[str, Any]


async def handle_warning(
    ack: AsyncAck, action: Pressed, actor: Actor, services: Services, respond: Respond | None
) -> None:
    """What was found does not stand any longer in Slack than it takes to decide."""
    principal = await actor.may(Permission.TALK)
    choice = _CHOICES[Action(action["action_id"])]
    await services.privacy.decide_warning(principal, number_in(action.get("value")), choice)
    await ack()
    await _show(respond, build_decided(choice), in_place=True)


async def handle_warning_show(
    ack: AsyncAck, action: Pressed, actor: Actor, services: Services, respond: Respond | None
) -> None:
    """Ephemeral messages do not outlive a reload."""
    principal = await actor.may(Permission.TALK)
    warning = await services.privacy.warning(principal, number_in(action.get("value")))
    await ack()
    await _show(respond, build_warning(warning.turn.id, warning.found, warning.risk))


async def handle_warning_not_personal(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    """What was found is looked for again, which may take longer than a trigger lives."""
    principal = await actor.may(Permission.TALK)
    turn_id = number_in(action.get("value"))
    opened = await client.views_open(trigger_id=body["trigger_id"], view=build_looking_modal())
    view: Mapping[str, Any] = opened.get("view") or {}
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            warning = await services.privacy.warning(principal, turn_id)
        shown = build_not_personal_modal(warning.found)
    except TimeoutError:
        shown = build_problem_modal(TOOK_LONG)
    except PrimeError as error:
        shown = build_problem_modal(str(error))
    await redraw_open(client, shown, view_id=str(view["id"]))
    await ack()


async def handle_turn_seen(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.TALK)
    seen = await services.privacy.seen(principal, number_in(action.get("value")))
    await client.views_open(trigger_id=body["trigger_id"], view=build_seen_modal(seen))
    await ack()


async def handle_turn_reveal(
    ack: AsyncAck, action: Pressed, actor: Actor, services: Services, respond: Respond | None
) -> None:
    principal = await actor.may(Permission.TALK)
    answer = await services.privacy.reveal(principal, number_in(action.get("value")))
    await ack()
    found = cuts(answer)
    parts = [part_text(answer, found, number) for number in range(len(found))]
    for message in build_revealed(parts[:_MESSAGES_OF_A_REPLY], is_cut=len(parts) > _MESSAGES_OF_A_REPLY):
        await _show(respond, message)


async def handle_thread_forget(
    ack: AsyncAck, body: Body, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.TALK)
    turn_id = number_in(action.get("value"))
    try:
        conversation = await services.privacy.forget(principal, turn_id)
    except (AccessDeniedError, ConflictError) as error:
        await ack()
        await redraw_open(client, build_problem_modal(str(error)), view_id=str(view_of(body)["id"]))
        return
    await ack()
    await redraw_open(client, build_forgotten_modal(), view_id=str(view_of(body)["id"]))
    turn, _ = await services.talk.turn(turn_id)
    await mark(client, conversation, turn, FORGOTTEN)


async def _show(respond: Respond | None, message: Message, *, in_place: bool = False) -> None:
    if respond is not None:
        text, blocks = message
        place = {"replace_original": True} if in_place else {"replace_original": False, "response_type": "ephemeral"}
        await respond({**place, "text": text, "blocks": blocks})
