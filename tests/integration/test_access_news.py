"""Who is told of access, and that nobody is told twice."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from bot.access_news import AccessNews
from bot.sender import Sender
from bot.telling import Telling
from core.access.model import Role
from core.approvals.model import AccessRequest
from core.notices import Notice
from db.storage import PostgresStorage
from tests.access import ADA, NILS, OLE, TEAM, World
from tests.clock import ManualClock
from tests.posted import Slack, posting

APPROVALS = "C0APPROVALS"


@pytest.fixture
async def slack(clock: ManualClock) -> AsyncIterator[tuple[Slack, Sender]]:
    async with posting(clock) as slack:
        yield slack


class Telegraph:
    """Tells of requests, and what it told."""

    def __init__(self, world: World, slack: tuple[Slack, Sender], channel: str | None) -> None:
        self.world = world
        self.slack, sender = slack
        telling = Telling(sender, world.services, approval_channel=channel)
        self.news = AccessNews(telling, world.services, team=TEAM)

    async def opened(self, request: AccessRequest, *, attempt: int = 1) -> None:
        payload = {"notice": Notice.REQUEST_OPENED, "request_id": request.id, "delivery": 7, "attempt": attempt}
        await self.news.opened(payload)

    def told(self, channel: str) -> Sequence[str]:
        return [str(one["text"]) for one in self.slack.messages.values() if one["channel"] == channel]


def direct(person: Any) -> str:
    return f"D-{person.user}"


async def asked(world: World) -> AccessRequest:
    return await world.approvals.ask(NILS, role=Role.READ, duration=timedelta(days=1), reason="to try it")


@pytest.fixture
async def world(storage: PostgresStorage, clock: ManualClock) -> World:
    return World(storage, clock)


async def test_a_request_goes_to_the_approval_channel(world: World, slack: tuple[Slack, Sender]) -> None:
    await world.settle(ADA, OLE)
    telegraph = Telegraph(world, slack, APPROVALS)
    await telegraph.opened(await asked(world))
    assert len(telegraph.told(APPROVALS)) == len(telegraph.told(direct(NILS))) == 1
    assert telegraph.told(direct(ADA)) == []


async def test_where_prime_cannot_post_there_each_admin_is_told(world: World, slack: tuple[Slack, Sender]) -> None:
    await world.settle(ADA, OLE)
    telegraph = Telegraph(world, slack, APPROVALS)
    request = await asked(world)
    telegraph.slack.refused_channels.add(APPROVALS)
    await telegraph.opened(request)
    assert len(telegraph.told(direct(ADA))) == len(telegraph.told(direct(OLE))) == 1
    assert {one.channel for one in await world.approvals.messages(request.id)} == {direct(ADA), direct(OLE)}


async def test_whom_nobody_can_answer_is_told_so(world: World, slack: tuple[Slack, Sender]) -> None:
    await world.settle()
    telegraph = Telegraph(world, slack, None)
    await telegraph.opened(await asked(world))
    _, nobody = telegraph.told(direct(NILS))
    assert "no admin" in nobody
    assert "prime admin grant" in nobody


async def test_nobody_is_told_twice_by_a_notice_that_comes_again(
    world: World, slack: tuple[Slack, Sender], database_url: str
) -> None:
    await world.settle(ADA)
    telegraph = Telegraph(world, slack, None)
    request = await asked(world)
    await telegraph.opened(request)
    with psycopg.connect(database_url, autocommit=True) as connection:  # as if it had died before it noted its posts
        connection.execute("DELETE FROM access_request_message")
    await telegraph.opened(request, attempt=2)
    assert len(telegraph.told(direct(NILS))) == len(telegraph.told(direct(ADA))) == 1
    assert [one.channel for one in await world.approvals.messages(request.id)] == [direct(ADA)]
