"""The menu's buttons."""

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actor import Actor
from bot.listeners.commands.subcommands import subcommands_for
from bot.sender import Respond
from bot.views.menu import build_help


async def handle_menu_help(ack: AsyncAck, respond: Respond, actor: Actor) -> None:
    text, blocks = build_help(subcommands_for((await actor.principal()).role))
    await ack()
    await respond({"response_type": "ephemeral", "replace_original": False, "text": text, "blocks": blocks})
