"""Who listens to what."""

from slack_bolt.async_app import AsyncApp

from bot.listeners import actions, commands, events, modals


def register(app: AsyncApp) -> None:
    for part in (commands, events, actions, modals):
        part.register(app)
