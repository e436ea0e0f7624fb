"""Slack says that somebody, or a user group, has changed."""

from collections.abc import Mapping
from typing import Any

from core.services import Services

Event = Mapping[str, Any]


async def handle_person_changed(event: Event, services: Services) -> None:
    """`user_change` and `team_join` carry the whole user."""
    await services.people.take_in(event["user"])


async def handle_group_members_changed(event: Event, services: Services) -> None:
    """Read again rather than reckoned: the event holds only what was added and removed, and may come late."""
    await services.mappings.group_changed(str(event["subteam_id"]))


async def handle_group_changed(event: Event, services: Services) -> None:
    """`subteam_created` and `subteam_updated`; a group that was switched off comes this way too."""
    await services.mappings.group_changed(str(event["subteam"]["id"]))
