"""Slash commands."""

from slack_bolt.async_app import AsyncApp

from bot.ids import Command
from bot.listeners.commands.prime import handle_prime

LISTENERS = {Command.PRIME: handle_prime}


def register(app: AsyncApp) -> None:
    for command, listener in LISTENERS.items():
        app.command(command)(listener)
