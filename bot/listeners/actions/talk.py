"""The buttons of answers. Their value is the turn's id; they are worked on in one line with what is said in the
thread."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.forms import number_in
from bot.ids import Action
from bot.inbox import look_since_of
from bot.marks import mark
from bot.placing import place
from bot.replies import SlackReplies
from bot.sender import Respond
from bot.thread_above import read_above
from bot.views.kit import context as context_block
from bot.views.spend_requests import build_ask_start
from core.access.permissions import Permission
from core.cost.errors import OverBudgetError
from core.errors import ConflictError
from core.services import Services
from core.talk.model import TurnState

REPLACED = "Replaced by the answer below."
CONTINUED = "It goes on below."
DROPPED = "Dropped: the model does not see this question and its answer any more."
CLEARED = "The model starts afresh from here: it does not see what stands above any more."

Context = Mapping[str, Any]
Pressed = Mapping[str, Any]


async def handle_talk_retake(
    ack: AsyncAck,
    action: Pressed,
    context: Context,
    client: AsyncWebClient,
    actor: Actor,
    services: Services,
    replies: SlackReplies,
) -> None:
    """Regenerate and Retry."""
    principal = await actor.may(Permission.TALK)
    old = number_in(action.get("value"))
    asked = await services.talk.retake(principal, old)
    await ack()
    await place(asked, actor=principal, services=services, replies=replies, look_since=look_since_of(context))
    await _mark(client, services, old, REPLACED)


async def handle_talk_more(
    ack: AsyncAck,
    action: Pressed,
    context: Context,
    client: AsyncWebClient,
    actor: Actor,
    services: Services,
    replies: SlackReplies,
) -> None:
    principal = await actor.may(Permission.TALK)
    old = number_in(action.get("value"))
    asked = await services.talk.more(principal, old)
    await ack()
    await place(asked, actor=principal, services=services, replies=replies, look_since=look_since_of(context))
    await _mark(client, services, old, CONTINUED)


async def handle_talk_read_thread(
    ack: AsyncAck,
    action: Pressed,
    context: Context,
    client: AsyncWebClient,
    actor: Actor,
    services: Services,
    replies: SlackReplies,
) -> None:
    """What people said above becomes context, and the question is answered again."""
    principal = await actor.may(Permission.TALK)
    old = number_in(action.get("value"))
    turn, conversation = await services.talk.turn(old)
    try:
        notes = await read_above(client, services.people, conversation, before_ts=turn.prompt_ts)
    except SlackApiError as error:
        raise ConflictError("Slack does not let Prime read this thread.") from error
    asked = await services.talk.read_thread(principal, old, notes)
    await ack()
    await place(asked, actor=principal, services=services, replies=replies, look_since=look_since_of(context))
    await _mark(client, services, old, REPLACED)


async def handle_talk_ask_edited(
    ack: AsyncAck,
    action: Pressed,
    context: Context,
    client: AsyncWebClient,
    actor: Actor,
    services: Services,
    replies: SlackReplies,
    respond: Respond | None,
) -> None:
    """The offer, which its author alone sees, goes away."""
    principal = await actor.may(Permission.TALK)
    turn_id = number_in(action.get("value"))
    asked = await services.talk.accept_edit(principal, turn_id)
    await ack()
    await place(asked, actor=principal, services=services, replies=replies, look_since=look_since_of(context))
    if asked.turn is not None and asked.turn.replaces is not None:
        await _mark(client, services, asked.turn.replaces, REPLACED)
    if respond is not None:
        await respond({"delete_original": True})


async def handle_talk_stop(ack: AsyncAck, action: Pressed, actor: Actor, services: Services) -> None:
    """The talker shows it in the message."""
    principal = await actor.may(Permission.TALK)
    await services.talk.stop(principal, number_in(action.get("value")))
    await ack()


async def handle_talk_undo(
    ack: AsyncAck,
    action: Pressed,
    client: AsyncWebClient,
    actor: Actor,
    services: Services,
    context: Context,
) -> None:
    principal = await actor.may(Permission.TALK)
    turn_id = number_in(action.get("value"))
    try:
        await services.talk.undo(principal, turn_id)
    except ConflictError:
        turn, _ = await services.talk.turn(turn_id)
        if turn.is_seen or look_since_of(context) is None:  # else the try before this one dropped it
            raise
    await ack()
    await _mark(client, services, turn_id, DROPPED)


async def handle_talk_clear(
    ack: AsyncAck, action: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.TALK)
    turn_id = number_in(action.get("value"))
    await services.talk.clear(principal, turn_id)
    await ack()
    await _mark(client, services, turn_id, CLEARED)


async def handle_talk_vote(
    ack: AsyncAck, action: Pressed, actor: Actor, services: Services, respond: Respond | None
) -> None:
    """The same button once more takes it back."""
    principal = await actor.may(Permission.TALK)
    up = action["action_id"] == Action.TALK_UP
    vote = await services.talk.vote(principal, number_in(action.get("value")), up=up)
    await ack()
    if vote is None:
        text = "Your vote is taken back."
    else:
        text = "Thank you! It counts for this server, where `/prime server NAME` shows it, without your name."
    await _show(respond, text)


async def handle_talk_choose(
    ack: AsyncAck,
    action: Pressed,
    actor: Actor,
    services: Services,
    replies: SlackReplies,
) -> None:
    """Which server answers a question that waits: `<turn id>|<server id>`."""
    principal = await actor.may(Permission.TALK)
    turn, _, server = str((action.get("selected_option") or {}).get("value")).partition("|")
    asked = await services.talk.choose(principal, number_in(turn), number_in(server))
    await ack()

    async def still_waits() -> bool:
        chosen, _ = await services.talk.turn(number_in(turn))
        return chosen.state in (TurnState.WAITING, TurnState.WAKING)

    await replies.show_waiting(asked, still_waits=still_waits)


async def handle_talk_start(
    ack: AsyncAck, action: Pressed, actor: Actor, services: Services, respond: Respond | None
) -> None:
    """Starts the server that a question waits for; who may not, asks for it so."""
    principal = await actor.may(Permission.TALK)
    turn_id = number_in(action.get("value"))
    try:
        is_starting = await services.talk.start(principal, turn_id)
    except OverBudgetError as error:
        _, conversation = await services.talk.turn(turn_id)
        assert conversation.server_id is not None, "a server was over its budget"
        await ack()
        text, blocks = build_ask_start(await services.servers.get(conversation.server_id), error.excess)
        if respond is not None:
            await respond({"response_type": "ephemeral", "replace_original": False, "text": text, "blocks": blocks})
        return
    await ack()
    text = "It is on its way up. Your question waits, and is answered when it is ready."
    if not is_starting:
        text = "Starting it needs READ_WRITE, so its owner and the admins are asked. Your question waits."
    await _show(respond, text)


async def _mark(client: AsyncWebClient, services: Services, turn_id: int, sentence: str) -> None:
    turn, conversation = await services.talk.turn(turn_id)
    await mark(client, conversation, turn, sentence)


async def _show(respond: Respond | None, text: str) -> None:
    if respond is not None:
        blocks = [context_block(text)]
        await respond({"response_type": "ephemeral", "replace_original": False, "text": text, "blocks": blocks})
