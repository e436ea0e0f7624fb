"""Who listens to what."""

from slack_bolt.async_app import AsyncApp

from bot.listeners import actions, commands, events, modals, options, shortcuts


def register(app: AsyncApp) -> None:
    for part in (commands, shortcuts, events, actions, options, modals):
        part.register(app)
