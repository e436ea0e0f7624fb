"""Shortcuts, of which app.yaml tells Slack."""

from slack_bolt.async_app import AsyncApp

from bot.ids import Shortcut
from bot.listeners.shortcuts.ask import handle_ask_shortcut
from bot.listeners.shortcuts.create import handle_create_shortcut

LISTENERS = {Shortcut.CREATE_SERVER: handle_create_shortcut, Shortcut.ASK_ABOUT: handle_ask_shortcut}


def register(app: AsyncApp) -> None:
    for shortcut, listener in LISTENERS.items():
        app.shortcut(shortcut)(listener)
