"""Slack's people and user groups, as core's directory ports."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from core.clock import Clock
from core.errors import NotFoundError, UnavailableError
from core.mappings.model import Group
from core.people.model import PersonId, Profile
from core.people.rules import FRESH, profile_from_slack

PAGE = 1000
"""Slack's most for users.list; 10,000 people are ten calls of a method that allows twenty a minute."""

_log = structlog.get_logger(__name__)


class SlackDirectory:
    """Reads users.* and usergroups.* of one workspace through the sender."""

    def __init__(self, client: AsyncWebClient, clock: Clock, *, team: str) -> None:
        self._client = client
        self._clock = clock
        self._team = team

    async def person(self, person: PersonId) -> Profile:
        try:
            answer = await self._client.users_info(user=person.user)
        except SlackApiError as error:
            if error.response["error"] in ("user_not_found", "user_not_visible", "users_not_found"):
                raise NotFoundError("Slack does not know that person.") from error
            raise _unavailable(error) from error
        return self._profile(_body(answer)["user"])

    async def everybody(self) -> Sequence[Profile]:
        try:
            return [self._profile(user) async for user in self._users()]
        except SlackApiError as error:
            raise _unavailable(error) from error

    async def _users(self) -> AsyncIterator[Mapping[str, Any]]:
        cursor = ""
        while True:
            answer = await self._client.users_list(limit=PAGE, cursor=cursor, team_id=self._team)
            for user in _body(answer)["members"]:
                yield user
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _profile(self, user: Mapping[str, Any]) -> Profile:
        return profile_from_slack(user, team=self._team, now=self._clock.now())


class SlackGroups:
    """Reads usergroups.* of one workspace through the sender."""

    def __init__(self, client: AsyncWebClient, *, team: str) -> None:
        self._client = client
        self._team = team

    async def groups(self) -> Sequence[Group]:
        try:
            answer = await self._client.usergroups_list(include_users=True, include_count=True, team_id=self._team)
        except SlackApiError as error:
            raise _unavailable(error) from error
        return [_group(one) for one in _body(answer)["usergroups"] if not one.get("date_delete")]

    async def members(self, group_id: str) -> frozenset[str]:
        try:
            answer = await self._client.usergroups_users_list(usergroup=group_id, team_id=self._team)
        except SlackApiError as error:
            if error.response["error"] in ("no_such_subteam", "subteam_disabled"):
                raise NotFoundError("Slack does not have that user group any more.") from error
            raise _unavailable(error) from error
        return frozenset(_body(answer)["users"])


class SlackChannels:
    """Who can read along in a channel, as Slack told within the last five minutes."""

    def __init__(self, client: AsyncWebClient, clock: Clock, *, team: str) -> None:
        self._client = client
        self._clock = clock
        self._team = team
        self._known: dict[tuple[str, str], tuple[datetime, Any]] = {}

    async def members(self, channel: str) -> Sequence[PersonId]:
        async def ask() -> Sequence[PersonId]:
            answer = await self._client.conversations_members(channel=channel, limit=PAGE)
            return [PersonId(self._team, user) for user in _body(answer)["members"]]

        return await self._fresh(("members", channel), ask)

    async def is_shared(self, channel: str) -> bool:
        async def ask() -> bool:
            told = _body(await self._client.conversations_info(channel=channel))["channel"]
            flags = ("is_shared", "is_ext_shared", "is_org_shared", "is_pending_ext_shared")
            return any(told.get(flag) is True for flag in flags)

        return await self._fresh(("is_shared", channel), ask)

    async def _fresh(self, key: tuple[str, str], ask: Callable[[], Awaitable[Any]]) -> Any:
        now = self._clock.now()
        known = self._known.get(key)
        if known is not None and now - known[0] < FRESH:
            return known[1]
        self._known = {one: found for one, found in self._known.items() if now - found[0] < FRESH}
        try:
            answer = await ask()
        except SlackApiError as error:
            raise _unavailable(error) from error
        self._known[key] = (now, answer)
        return answer


def _body(answer: AsyncSlackResponse) -> Mapping[str, Any]:
    assert isinstance(answer.data, dict)
    return answer.data


def _group(group: Mapping[str, Any]) -> Group:
    """Slack cuts `users` at 500 and says the true number in `user_count`, which may be a string."""
    users = frozenset(group.get("users") or ())
    whole = str(group.get("user_count", "")) == str(len(users))
    return Group(id=group["id"], handle=group["handle"], name=group["name"], users=users if whole else None)


def _unavailable(error: SlackApiError) -> UnavailableError:
    code = str(error.response["error"])
    _log.warning("directory_unavailable", error=code)
    if code in ("plan_upgrade_required", "paid_teams_only"):
        return UnavailableError("This Slack workspace's plan has no user groups.")
    return UnavailableError("Slack did not answer when Prime asked who is who. Please try again in a minute.")
