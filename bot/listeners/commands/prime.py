"""`/prime ...`: from the typed line to its subcommand."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.listeners.call import Call, answer
from bot.listeners.commands.subcommands import SUBCOMMANDS, closest_to, run_subcommand, subcommands_for
from bot.views.menu import build_menu, build_unknown
from core.services import Services


async def handle_prime(
    ack: AsyncAck, command: Mapping[str, Any], client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    word, _, arguments = command.get("text", "").strip().partition(" ")
    if word.lower() in SUBCOMMANDS:
        call = Call(arguments=arguments.strip(), body=command, ack=ack, client=client, actor=actor, services=services)
        await run_subcommand(SUBCOMMANDS[word.lower()], call)
        return
    role = (await actor.principal()).role
    if word:
        await answer(ack, build_unknown(word, closest_to(word, role)))
    else:
        await answer(ack, build_menu(subcommands_for(role)))
