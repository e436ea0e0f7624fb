"""Options of selects that are loaded as somebody types."""

from slack_bolt.async_app import AsyncApp

from bot.ids import Action
from bot.listeners.options.create import load_models

LISTENERS = {Action.CREATE_MODEL: load_models}


def register(app: AsyncApp) -> None:
    for action, listener in LISTENERS.items():
        app.options(action)(listener)
