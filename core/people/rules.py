"""What Slack's flags mean, and how long they hold."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from core.people.model import PersonId, Profile, Standing

FRESH = timedelta(minutes=5)
"""Slack's facts about a person are asked for again after this."""

SLACKBOT = "USLACKBOT"
"""Slack says `is_bot: false` of it."""


def profile_from_slack(user: Mapping[str, Any], *, team: str, now: datetime) -> Profile:
    """Reads a user object. A flag that is absent is unknown, not false; see `standing_from_slack`.

    Raises KeyError if the object has no id."""
    return Profile(
        id=PersonId(team, str(user["id"])),
        standing=standing_from_slack(user, team=team),
        name=_name(user),
        is_workspace_admin=user.get("is_admin") is True,
        is_workspace_owner=user.get("is_owner") is True,
        checked_at=now,
        real_name=_real_name(user),
    )


def standing_from_slack(user: Mapping[str, Any], *, team: str) -> Standing:
    """Slack leaves flags out for strangers and deactivated people, so membership needs every flag present and clear."""
    if user.get("deleted") is True:
        return Standing.DEACTIVATED
    if user.get("is_bot") is True or user.get("is_app_user") is True or user["id"] == SLACKBOT:
        return Standing.BOT
    if user.get("is_stranger") is True or _other_team(user, team):
        return Standing.STRANGER
    if user.get("is_restricted") is True or user.get("is_ultra_restricted") is True:
        return Standing.GUEST
    flags = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted")
    if any(user.get(flag) is not False for flag in flags) or user.get("is_invited_user") is True:
        return Standing.UNKNOWN
    return Standing.MEMBER


def is_fresh(profile: Profile, now: datetime) -> bool:
    return now - profile.checked_at < FRESH


def matters_for_access(old: Profile, new: Profile) -> bool:
    """Whether a role may depend on what differs."""
    return (old.standing, old.is_workspace_admin, old.is_workspace_owner) != (
        new.standing,
        new.is_workspace_admin,
        new.is_workspace_owner,
    )


def _other_team(user: Mapping[str, Any], team: str) -> bool:
    """On Enterprise `team_id` may be the organisation's (E...); then the list of the person's workspaces decides."""
    enterprise: Mapping[str, Any] = user.get("enterprise_user") or {}
    return user.get("team_id") != team and team not in enterprise.get("teams", ())


def _name(user: Mapping[str, Any]) -> str:
    profile: Mapping[str, Any] = user.get("profile") or {}
    for source, key in ((profile, "display_name"), (profile, "real_name"), (user, "real_name"), (user, "name")):
        name = source.get(key)
        if isinstance(name, str) and name.strip():
            return name.strip()
    return str(user["id"])


def _real_name(user: Mapping[str, Any]) -> str:
    profile: Mapping[str, Any] = user.get("profile") or {}
    name = profile.get("real_name") or user.get("real_name")
    return name.strip() if isinstance(name, str) else ""
