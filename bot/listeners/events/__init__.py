"""Events. What nobody listens to is acknowledged by the error handler."""

from slack_bolt.async_app import AsyncApp

from bot.listeners.events.home import handle_home_opened
from bot.listeners.events.people import (
    handle_group_changed,
    handle_group_members_changed,
    handle_person_changed,
)
from bot.listeners.events.prompt import handle_prompt

LISTENERS = {
    "app_mention": handle_prompt,
    "message": handle_prompt,
    "app_home_opened": handle_home_opened,
    "user_change": handle_person_changed,
    "team_join": handle_person_changed,
    "subteam_created": handle_group_changed,
    "subteam_updated": handle_group_changed,
    "subteam_members_changed": handle_group_members_changed,
}
"""By the event's type in the payload: `message.im` and its like all come as `message`."""


def register(app: AsyncApp) -> None:
    for event, listener in LISTENERS.items():
        app.event(event)(listener)
