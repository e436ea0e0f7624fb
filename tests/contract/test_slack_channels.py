"""Who reads along in a channel, as the lab's Slack tells."""

import pytest

from bot.directory import SlackChannels
from core.errors import UnavailableError
from core.people.model import PersonId
from lab.slack.people import APP_USER_ID, TEAM_ID
from lab.slack.server import SlackLab
from tests.clock import ManualClock
from tests.slack_apps import Client

PLATFORM, GLOBEX, LEADS = "C0MLPLATFORM", "C0GLOBEX", "C0LEADS"


@pytest.fixture
def channels(client: Client, clock: ManualClock) -> SlackChannels:
    return SlackChannels(client, clock, team=TEAM_ID)


async def test_its_members_are_told_and_known_for_five_minutes(
    lab: SlackLab, channels: SlackChannels, clock: ManualClock
) -> None:
    there = lab.workspace.channel(PLATFORM, seen_by=APP_USER_ID).members
    before = [PersonId(TEAM_ID, user) for user in there]
    assert await channels.members(PLATFORM) == before
    there.append("U0NILS")
    assert await channels.members(PLATFORM) == before
    await clock.advance(300)
    assert await channels.members(PLATFORM) == [*before, PersonId(TEAM_ID, "U0NILS")]


async def test_whether_it_is_shared_with_another_workspace_is_told_and_known_for_five_minutes(
    lab: SlackLab, channels: SlackChannels, clock: ManualClock
) -> None:
    assert await channels.is_shared(GLOBEX)
    assert not await channels.is_shared(PLATFORM)
    lab.workspace.channel(PLATFORM, seen_by=APP_USER_ID).is_ext_shared = True
    assert not await channels.is_shared(PLATFORM)
    await clock.advance(300)
    assert await channels.is_shared(PLATFORM)


async def test_of_one_that_prime_does_not_see_nothing_is_known(channels: SlackChannels) -> None:
    for ask in (channels.members, channels.is_shared):
        with pytest.raises(UnavailableError):
            await ask(LEADS)
