"""Cards of servers in the lab's Slack, drawn by two replicas at once, and App Homes that follow servers."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.homes import Homes
from bot.server_cards import CARDS_A_ROUND, ServerCards
from bot.server_news import ServerNews
from bot.telling import Telling
from core.access.model import Role
from core.people.model import PersonId
from core.servers.model import Server, ServerState
from db.storage import PostgresStorage
from lab.slack.server import SlackLab
from tests.access import ADA, BEA, NILS, World
from tests.clock import ManualClock
from tests.prime import ROOT
from tests.servers import SPEC, server

S = ServerState


class SlowToUpdate(AsyncWebClient):
    """Its first edit waits, on its way to Slack, until it is let go."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.on_its_way = asyncio.Event()
        self.let_go = asyncio.Event()

    async def chat_update(self, **given: Any) -> Any:
        self.on_its_way.set()
        await self.let_go.wait()
        return await super().chat_update(**given)


@pytest.fixture
async def lab() -> AsyncIterator[SlackLab]:
    lab = SlackLab(ROOT / "app.yaml", seed=1)
    await lab.start()
    yield lab
    await lab.stop()


@pytest.fixture
async def world(storage: PostgresStorage, clock: ManualClock) -> World:
    world = World(storage, clock)
    await world.settle(ADA)
    return world


async def added(world: World, **changes: Any) -> Server:
    async with world.storage.transaction() as stores:
        number = await stores.servers.next_id()
        spec = replace(SPEC, name=f"llama-{number}")
        one = server(
            id=number, spec=spec, owner=PersonId("T0ACME", "U0BEA"), machine_name=f"prime-x-{number}", **changes
        )
        await stores.servers.add(one, key="key")
    return one


async def moved(world: World, one: Server, state: ServerState) -> Server:
    async with world.storage.transaction() as stores:
        return await stores.servers.save(replace(one, state=state), due_at=None)


def cards_of(lab: SlackLab, world: World, client: AsyncWebClient | None = None) -> ServerCards:
    client = client or AsyncWebClient(token=lab.bot_token, base_url=lab.api_url)
    return drawing(client, world, Homes(client, world.services))


def drawing(client: AsyncWebClient, world: World, homes: Homes) -> ServerCards:
    telling = Telling(client, world.services, approval_channel=None)
    return ServerCards(client, world.services, homes, ServerNews(client, world.services, telling))


def drawn(lab: SlackLab, one: Server) -> list[str]:
    """The states that its messages were drawn with, in the order in which Slack took them."""
    calls = [call for call in lab.record.calls if call.method in ("chat.postMessage", "chat.update")]
    texts = [str(call.arguments["text"]).split(": ") for call in calls if call.error is None]
    return [state for name, state in texts if name == one.spec.name]


def notice(one: Server) -> dict[str, Any]:
    return {"server_id": one.id}


async def test_several_notices_of_one_state_draw_it_once(lab: SlackLab, world: World) -> None:
    one, cards = await added(world), cards_of(lab, world)
    await asyncio.gather(*[cards.server_changed(notice(one)) for _ in range(5)])
    assert drawn(lab, one) == ["ordered"]
    one = await moved(world, one, S.BOOTING)
    await moved(world, one, S.PULLING)
    for _ in range(2):
        await cards.server_changed(notice(one))
    assert drawn(lab, one) == ["ordered", "pulling"]


async def test_an_older_state_that_another_replica_draws_late_does_not_stay(lab: SlackLab, world: World) -> None:
    one, cards = await added(world), cards_of(lab, world)
    await cards.server_changed(notice(one))
    slow = SlowToUpdate(token=lab.bot_token, base_url=lab.api_url)
    drawing = asyncio.create_task(cards_of(lab, world, slow).server_changed(notice(one)))
    await asyncio.wait_for(slow.on_its_way.wait(), 5)
    await moved(world, one, S.BOOTING)
    await cards.server_changed(notice(one))
    slow.let_go.set()
    await asyncio.wait_for(drawing, 5)
    assert drawn(lab, one) == ["ordered", "booting", "ordered", "booting"]


async def test_a_refresh_under_way_holds_up_a_newer_state_of_the_same_replica(lab: SlackLab, world: World) -> None:
    one = await added(world)
    await cards_of(lab, world).server_changed(notice(one))
    slow = SlowToUpdate(token=lab.bot_token, base_url=lab.api_url)
    cards = cards_of(lab, world, slow)
    refreshing = asyncio.create_task(cards.refresh_cards())
    await asyncio.wait_for(slow.on_its_way.wait(), 5)
    await moved(world, one, S.BOOTING)
    telling = asyncio.create_task(cards.server_changed(notice(one)))
    slow.let_go.set()
    await asyncio.wait_for(asyncio.gather(refreshing, telling), 5)
    assert drawn(lab, one) == ["ordered", "ordered", "booting"]


async def test_a_refresh_takes_turns_and_posts_nothing(lab: SlackLab, world: World) -> None:
    servers = [await added(world) for _ in range(CARDS_A_ROUND + 1)]
    cards = cards_of(lab, world)
    await cards.refresh_cards()
    assert lab.record.called("chat.postMessage") == []
    for one in servers:
        await cards.server_changed(notice(one))
        lab.clock.jump(2)
    for _ in range(2):
        await cards.refresh_cards()
    assert sorted(len(drawn(lab, one)) - 1 for one in servers) == [1, 1] + [2] * (CARDS_A_ROUND - 1)


async def test_only_what_is_on_its_way_up_is_refreshed(lab: SlackLab, world: World) -> None:
    one, cards = await added(world, state=S.READY), cards_of(lab, world)
    await cards.server_changed(notice(one))
    await cards.refresh_cards()
    assert drawn(lab, one) == ["ready"]


async def test_a_card_that_cannot_be_edited_does_not_keep_the_others_from_it(lab: SlackLab, world: World) -> None:
    one, cards = await added(world), cards_of(lab, world)
    await cards.server_changed(notice(one))
    async with world.storage.transaction() as stores:
        [card] = await stores.servers.cards(one.id)
        await stores.servers.add_card(one.id, replace(card, channel="C0ALONG"))
    await moved(world, one, S.BOOTING)
    await cards.server_changed(notice(one))
    assert drawn(lab, one) == ["ordered", "booting"]


async def test_a_deleted_server_is_told_on_its_card(lab: SlackLab, world: World) -> None:
    one, cards = await added(world), cards_of(lab, world)
    await cards.server_changed(notice(one))
    await moved(world, one, S.DELETED)
    await cards.server_changed(notice(one))
    assert drawn(lab, one) == ["ordered", "deleted"]


async def test_homes_are_written_once_for_many_changes_and_only_where_servers_are_shown(
    lab: SlackLab, world: World
) -> None:
    await world.give(BEA, Role.READ, until=None)
    for person in (ADA, BEA, NILS):
        await world.home.open(person)
    client = AsyncWebClient(token=lab.bot_token, base_url=lab.api_url)
    homes = Homes(client, world.services)
    cards = drawing(client, world, homes)
    await homes.refresh()
    assert lab.record.called("views.publish") == []
    for one in [await added(world), await added(world)]:
        await cards.server_changed(notice(one))
    for _ in range(2):
        await homes.refresh()
    assert {call.arguments["user_id"] for call in lab.record.called("views.publish")} == {ADA.user, BEA.user}
    assert len(lab.record.called("views.publish")) == 2
