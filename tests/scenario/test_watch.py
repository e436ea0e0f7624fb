"""What Prime tells of servers by itself, and what people do about it: news, warnings, the chart, unknown machines."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.once import Spot, find_posted, post_once
from lab.slack.driver import Person
from lab.slack.screen import Json, words
from lab.slack.server import SlackLab
from tests.scenario.access import interactive_elements
from tests.scenario.cloud import CloudOffice, open_cloud_office
from tests.scenario.conftest import eventually
from tests.scenario.test_servers import UP, in_state, pressed_again, ready

MINUTE = 60.0


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[CloudOffice]:
    async with open_cloud_office(database_url) as world:
        await eventually(lambda: world.office.rows("SELECT 1 FROM provider_key") != [])
        yield world


@pytest.fixture
async def bea(world: CloudOffice) -> Person:
    """READ_WRITE, and the owner."""
    return await world.office.person("U0BEA")


@pytest.fixture
async def rita(world: CloudOffice) -> Person:
    """READ."""
    return await world.office.person("U0RITA")


@pytest.fixture
async def adam(world: CloudOffice) -> Person:
    """ADMIN."""
    return await world.office.person("U0ADAM")


async def hears(person: Person, text: str, card: Json) -> list[Json]:
    """The news, once in the thread of the card and once in the owner's direct message."""

    def in_thread(one: Json) -> bool:
        return text in words(one) and one.get("thread_ts") == card["ts"] != one.get("ts")

    thread = await person.sees(in_thread, within_seconds=UP)
    direct = await person.sees(lambda one: text in words(one), channel="app", within_seconds=UP)
    return [thread, direct]


async def told(person: Person, text: str) -> int:
    return sum(text in words(one) for one in await person.messages("app"))


async def warned(world: CloudOffice, bea: Person) -> tuple[Json, list[Json]]:
    """A ready server of which people were told that it stops soon: its card, and the warnings."""
    card = await ready(bea)
    await hears(bea, "is ready", card)
    world.clock.jump(106 * MINUTE)
    return card, await hears(bea, "has been idle for 1 h 46 min", card)


def now_shown(person: Person, message: Json) -> Any:
    return person.sees(
        lambda one: one.get("ts") == message["ts"] and one.get("channel") == message["channel"] and not pressable(one)
    )


def seconds(world: CloudOffice, *, hours: float) -> Any:
    """A time from now on, as the picker of dates and times has it."""
    return int((world.clock.now() + timedelta(hours=hours)).timestamp())


def pressable(message: Json) -> list[str]:
    return interactive_elements(message) if message.get("blocks") else []


class TestNews:
    async def test_ready_is_told_once_in_the_thread_and_once_to_the_owner(
        self, world: CloudOffice, bea: Person
    ) -> None:
        card = await ready(bea)
        thread, direct = await hears(bea, "*llama* is ready", card)
        assert "`/prime usage llama`" in words(direct)
        assert "Stop" in interactive_elements(thread)
        await world.office.settled()
        assert await told(bea, "is ready") == 1
        replies = await bea.messages("#general", thread_ts=card["ts"])
        assert sum("*llama* is ready" in words(one) for one in replies) == 1

    async def test_where_the_card_is_a_direct_message_there_is_one_message_and_no_thread(
        self, world: CloudOffice, bea: Person
    ) -> None:
        await ready(bea, channel="app")
        news = await bea.sees("*llama* is ready", channel="app", within_seconds=UP)
        assert not news.get("thread_ts")
        await world.office.settled()
        assert await told(bea, "*llama* is ready") == 1

    async def test_a_machine_stopped_in_the_clouds_console_is_told(self, world: CloudOffice, bea: Person) -> None:
        card = await ready(bea)
        await hears(bea, "is ready", card)
        [machine] = world.cloud.machines
        world.cloud.stop_in_console(machine)
        _, direct = await hears(bea, "*llama* stopped: not by Prime", card)
        assert "Start" in interactive_elements(direct)
        await in_state(bea, "stopped")


class TestEndsSoon:
    async def test_keep_one_hour_edits_both_warnings_and_it_runs_on(self, world: CloudOffice, bea: Person) -> None:
        _, warnings = await warned(world, bea)
        for warning in warnings:
            assert interactive_elements(warning) == ["Keep 1 h", "Keep until...", "Stop now"]
        await bea.presses("Keep 1 h", in_message=warnings[1]["ts"])
        for warning in warnings:
            shown = await now_shown(bea, warning)
            assert "<@U0BEA> kept it until" in words(shown)
        await pressed_again(world)
        assert world.office.audited().count("server.keep") == 1
        world.clock.jump(30 * MINUTE)
        await world.office.settled()
        assert "ready" in words(await world.office.answer_to(bea, "/prime servers"))

    async def test_keep_until_asks_for_a_time(self, world: CloudOffice, bea: Person) -> None:
        _, warnings = await warned(world, bea)
        await bea.presses("Keep until...", in_message=warnings[1]["ts"])
        await bea.sees_modal("Keep a server")
        await bea.fills("Keep until", seconds(world, hours=-1))
        assert list((await bea.submits())["errors"]) == ["until"]
        await bea.fills("Keep until", seconds(world, hours=5))
        assert await bea.submits() == {"ok": True}
        for warning in warnings:
            assert "<@U0BEA> kept it until" in words(await now_shown(bea, warning))

    async def test_nobody_keeps_it_so_it_stops_and_the_warnings_are_over(self, world: CloudOffice, bea: Person) -> None:
        card, warnings = await warned(world, bea)
        world.clock.jump(15 * MINUTE)
        _, direct = await hears(bea, "*llama* stopped: nobody used it for 2 hours", card)
        assert "disk of 100 GB" in words(direct)
        for warning in warnings:
            assert "Over: it is" in words(await now_shown(bea, warning))

    async def test_stop_now_stops_it(self, world: CloudOffice, bea: Person) -> None:
        card, warnings = await warned(world, bea)
        await bea.presses("Stop now", in_message=warnings[0]["ts"])
        await in_state(bea, "stopped")
        for warning in warnings:
            await now_shown(bea, warning)
        await hears(bea, "*llama* stopped: somebody asked", card)

    async def test_the_command_keeps_it_and_a_reader_may_not(
        self, world: CloudOffice, bea: Person, rita: Person
    ) -> None:
        _, warnings = await warned(world, bea)
        refused = await world.office.answer_to(rita, "/prime keep llama 1h")
        assert "needs the role READ_WRITE" in words(refused)
        assert "Write `/prime keep NAME 2h`" in words(await world.office.answer_to(bea, "/prime keep llama"))
        assert "at most 31 days" in words(await world.office.answer_to(bea, "/prime keep llama 5 weeks"))
        kept = await world.office.answer_to(bea, "/prime keep lla 2 hours")
        assert "*llama* is kept until" in words(kept)
        for warning in warnings:
            assert "<@U0BEA> kept it until" in words(await now_shown(bea, warning))


class TestTheChart:
    async def test_it_comes_as_an_image_to_the_presser(self, world: CloudOffice, rita: Person, bea: Person) -> None:
        await ready(bea)
        await eventually(lambda: world.office.rows("SELECT 1 FROM server_load") != [])
        shown = await world.office.answer_to(rita, "/prime server llama")
        for part in ("Spent this month", "Ready since", "Last checked", "What comes", "After an idle stop"):
            assert part in words(shown), part
        await rita.presses("Chart", in_message=shown["ts"])
        await rita.sees("The chart is in your direct messages", within_seconds=UP)
        drawn = await rita.sees(lambda one: bool(one.get("files")), channel="app", within_seconds=UP)
        assert drawn["files"][0]["name"] == "llama-load.png"

    async def test_without_anything_seen_it_says_so(self, world: CloudOffice, bea: Person) -> None:
        card = await ready(bea)
        await bea.presses("Stop", in_message=card["ts"])
        await in_state(bea, "stopped")
        world.office.rows("DELETE FROM server_load RETURNING 1")
        shown = await world.office.answer_to(bea, "/prime server llama")
        await bea.presses("Chart", in_message=shown["ts"])
        assert (await bea.sees("Nothing has been seen of *llama*"))["ephemeral"]


class TestUnknownMachines:
    async def test_an_admin_adopts_one_under_a_name(self, world: CloudOffice, bea: Person, adam: Person) -> None:
        asked = await self.reported(world, bea, adam)
        assert interactive_elements(asked) == ["Adopt", "Ignore"]
        await adam.presses("Adopt", in_message=asked["ts"])
        await adam.sees_modal("Adopt a machine")
        await adam.fills("Name", "No Good")
        assert list((await adam.submits())["errors"]) == ["name"]
        await adam.fills("Name", "found")
        assert await adam.submits() == {"ok": True}
        assert "<@U0ADAM> adopted it as *found*" in words(await now_shown(adam, asked))
        assert "found" in words(await world.office.answer_to(bea, "/prime servers"))

    async def test_an_admin_ignores_one(self, world: CloudOffice, bea: Person, adam: Person) -> None:
        asked = await self.reported(world, bea, adam)
        await adam.presses("Ignore", in_message=asked["ts"])
        assert "<@U0ADAM> decided to ignore it" in words(await now_shown(adam, asked))
        assert "machine.ignore" in world.office.audited()

    async def reported(self, world: CloudOffice, bea: Person, adam: Person) -> Json:
        """The record of a server's machine is lost, so the cloud has one that nobody knows."""
        await ready(bea)
        [machine] = world.cloud.machines
        machine.name = "notebook"
        world.office.rows("UPDATE server SET machine_id = 'ps0', version = version + 1 RETURNING 1")
        await eventually(lambda: world.office.rows("SELECT 1 FROM unknown_machine") != [], within_seconds=UP)
        world.clock.jump(4 * MINUTE)
        return await adam.sees("A machine that Prime does not know", channel="#prime-approvals", within_seconds=UP)


async def test_a_message_is_posted_once_though_its_delivery_is_tried_again(lab: SlackLab) -> None:
    client = AsyncWebClient(token=lab.bot_token, base_url=lab.api_url)
    since = datetime.now(UTC) - timedelta(hours=1)
    message = ("text", [{"type": "section", "text": {"type": "mrkdwn", "text": "text"}}])
    top = Spot(channel="C0GENERAL")
    for attempt in (1, 2, 3):
        look_since = None if attempt == 1 else since
        assert await post_once(client, top, message, key="ready/prime-1/7", look_since=look_since)
    assert await post_once(client, top, message, key="ready/prime-1/70", look_since=since)
    [first] = await find_posted(client, top, key="ready/prime-1/7", since=since)
    assert len(await find_posted(client, top, key="ready/prime-1", since=since)) == 2
    assert await find_posted(client, top, key="ready/prime", since=since) == []

    thread = replace(top, thread_ts=first["ts"])
    for _ in range(2):
        assert await post_once(client, thread, message, key="stopped/prime-1/8", look_since=since)
    assert len(await find_posted(client, thread, key="stopped/prime-1/8", since=since)) == 1
    assert not await post_once(client, Spot(channel="C0NOWHERE"), message, key="x/y/1", look_since=None)
