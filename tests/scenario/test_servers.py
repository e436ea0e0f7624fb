"""Servers in Slack: the list, the card and how it moves, starting, stopping, deleting, how to call them, App Home."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.ids import Action
from lab.paperspace.faults import FaultName
from lab.slack.deliveries import Kind
from lab.slack.driver import Person
from lab.slack.screen import Json, words
from tests.scenario.access import interactive_elements
from tests.scenario.cloud import CloudOffice, open_cloud_office
from tests.scenario.conftest import eventually

MODEL = "Qwen/Qwen2.5-0.5B-Instruct"
UP = 30.0
"""Seconds within which a server of the lab is up, on a busy machine."""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[CloudOffice]:
    async with open_cloud_office(database_url) as world:
        await eventually(lambda: world.office.rows("SELECT 1 FROM provider_key") != [])
        yield world


@pytest.fixture
async def bea(world: CloudOffice) -> Person:
    """READ_WRITE."""
    return await world.office.person("U0BEA")


@pytest.fixture
async def rita(world: CloudOffice) -> Person:
    """READ."""
    return await world.office.person("U0RITA")


@pytest.fixture
async def adam(world: CloudOffice) -> Person:
    """ADMIN."""
    return await world.office.person("U0ADAM")


async def creates(person: Person, name: str = "llama", *, channel: str = "#random") -> None:
    assert (await person.types("/prime create", channel=channel))["ok"]
    await person.sees_modal("Create a model server")
    await person.fills("Name", name)
    await person.chooses("Model", MODEL)
    await person.sees("The model *")
    assert await person.submits() == {"ok": True}
    await person.sees_no_modal()


async def in_state(person: Person, state: str, *, name: str = "llama", channel: str | None = None) -> Json:
    """The card, a message for everybody in its channel, once it shows this state."""

    def is_it(one: Json) -> bool:
        first = words(one).split("\n")[0]
        return "ts" in one and not one.get("ephemeral") and first.startswith(f"*{name}*") and f": {state}" in first

    return await person.sees(is_it, channel=channel, within_seconds=UP)


async def ready(person: Person, name: str = "llama", *, channel: str = "#general") -> Json:
    await creates(person, name, channel=channel)
    return await in_state(person, "ready", name=name, channel=channel)


async def pressed_again(world: CloudOffice) -> None:
    """The newest click is delivered once more."""
    deliveries = world.office.lab.platform.deliveries
    click = next(one for one in reversed(world.office.lab.record.deliveries) if one.kind == Kind.INTERACTIVE)
    await deliveries.ask(Kind.INTERACTIVE, click.name, click.payload)
    await world.office.settled()


def states_shown(world: CloudOffice) -> list[str]:
    """Every state that the card was drawn with, in the order that Slack got them."""
    calls = [one for one in world.office.lab.record.calls if one.method in ("chat.postMessage", "chat.update")]
    texts = [str(call.arguments.get("text")) for call in calls if call.error is None]
    return [text.removeprefix("llama: ") for text in texts if text.startswith("llama: ")]


class TestTheCard:
    async def test_it_stands_in_the_channel_and_is_edited_until_the_server_is_ready(
        self, world: CloudOffice, bea: Person, rita: Person
    ) -> None:
        card = await ready(bea)
        for part in (MODEL, "per hour", "http://127.", "<@U0BEA>", "NY2"):
            assert part in words(card), part
        assert interactive_elements(card) == ["Stop", "Delete", "Logs", "Usage", "Details"]
        assert (await rita.sees(lambda one: one.get("ts") == card["ts"]))["channel"] == rita.channel("#general")
        await world.office.settled()
        assert sum(words(one).startswith("*llama*") for one in await bea.messages("#general")) == 1
        [news] = await bea.messages("app")
        assert "*llama* is ready" in words(news)
        order = ["ordered", "booting", "starting", "pulling", "loading", "ready"]
        shown = states_shown(world)
        assert shown == sorted(shown, key=order.index), "an older state after a newer one"

    async def test_where_prime_is_not_in_the_channel_it_comes_as_a_direct_message(
        self, world: CloudOffice, bea: Person
    ) -> None:
        await creates(bea, channel="#random")
        card = await in_state(bea, "ready", channel="app")
        assert interactive_elements(card) == ["Stop", "Delete", "Logs", "Usage", "Details"]

    async def test_elapsed_time_moves_while_nothing_else_does(self, world: CloudOffice, bea: Person) -> None:
        world.cloud.faults.switch(FaultName.ENDLESS_BOOT)
        await creates(bea, channel="#general")
        card = await in_state(bea, "booting")
        world.clock.jump(120)
        moved = await bea.sees(lambda one: one.get("ts") == card["ts"] and "2 min" in words(one), within_seconds=UP)
        assert "step 2 of 5" in words(moved)

    async def test_no_capacity_says_what_costs_and_offers_what_there_is(self, world: CloudOffice, bea: Person) -> None:
        world.cloud.faults.switch(FaultName.NO_CAPACITY, machine_type="A4000")
        await creates(bea, channel="#general")
        card = await in_state(bea, "failed")
        assert "capacity" in words(card)
        assert "cost" in words(card)
        offers = [text for text in interactive_elements(card) if text.startswith("Try ")]
        assert offers
        assert re.fullmatch(r"Try \S+ in (NY2|CA1|AMS1)", offers[0])
        assert "Delete" in interactive_elements(card)
        await bea.presses(offers[0], in_message=card["ts"])
        await bea.sees_modal("Create a model server")
        assert await bea.sees(offers[0].split()[1])


class TestStartStopDelete:
    async def test_the_buttons_of_the_card_stop_and_start_it_and_a_second_click_does_nothing(
        self, world: CloudOffice, bea: Person
    ) -> None:
        card = await ready(bea)
        [machine] = world.cloud.machines
        assert (await bea.presses("Stop", in_message=card["ts"]))["ok"]
        stopped = await in_state(bea, "stopped")
        assert stopped["ts"] == card["ts"]
        assert "not certain" in words(stopped)
        assert interactive_elements(stopped) == ["Start", "Delete", "Logs", "Usage", "Details"]
        assert machine.state.value == "off"
        await pressed_again(world)

        assert (await bea.presses("Start", in_message=card["ts"]))["ok"]
        await in_state(bea, "ready")
        await world.office.settled()
        verbs = [one for one in world.office.audited() if one in ("server.create", "server.stop", "server.start")]
        assert verbs == ["server.create", "server.stop", "server.start"]

    async def test_the_commands_ask_first_and_say_what_it_costs(self, world: CloudOffice, bea: Person) -> None:
        await ready(bea)
        await bea.types("/prime stop lla", channel="#random")
        asked = await bea.sees_modal("Stop a server")
        assert "Whether the cloud also bills a stopped machine" in words(asked)
        assert asked["submit"]["text"] == "Stop"
        assert await bea.submits() == {"ok": True}
        await bea.sees_no_modal()
        await in_state(bea, "stopped")
        assert "is stopped already" in words(await world.office.answer_to(bea, "/prime stop llama"))

        await bea.types("/prime start llama", channel="#random")
        asked = await bea.sees_modal("Start a server")
        assert "$0.76 per hour" in words(asked)
        assert await bea.submits() == {"ok": True}
        await in_state(bea, "ready")

    async def test_deleting_asks_for_the_name_and_leaves_nothing(
        self, world: CloudOffice, bea: Person, adam: Person
    ) -> None:
        card = await ready(bea)
        await bea.presses("Delete", in_message=card["ts"])
        asked = await bea.sees_modal("Delete a server")
        assert "100 GB" in words(asked)
        await bea.fills("Name", "lama")
        assert list((await bea.submits())["errors"]) == ["name"]
        await bea.fills("Name", "Llama ")
        assert await bea.submits() == {"ok": True}
        await bea.sees_no_modal()
        gone = await in_state(bea, "deleted")
        assert gone["ts"] == card["ts"]
        assert interactive_elements(gone) == []
        assert world.cloud.machines == []
        assert world.cloud.scripts == []
        assert "None yet" in words(await world.office.answer_to(bea, "/prime servers"))
        assert "no such server" in words(await world.office.answer_to(bea, "/prime server llama"))
        told = words(await world.office.answer_to(adam, "/prime audit server LLAMA"))
        for action in ("server.create", "server.delete", "server.deleted"):
            assert action in told

    async def test_who_asks_to_stop_it_may_delete_it_instead(self, world: CloudOffice, bea: Person) -> None:
        await ready(bea)
        await bea.types("/prime stop llama", channel="#random")
        await bea.sees_modal("Stop a server")
        await bea.presses("Delete")
        await bea.sees_modal("Delete a server")
        await bea.fills("Name", "llama")
        assert await bea.submits() == {"ok": True}
        await bea.sees_no_modal()
        await in_state(bea, "deleted")

    async def test_a_role_that_is_not_enough_is_told_so_alone_at_the_click(
        self, world: CloudOffice, bea: Person, rita: Person
    ) -> None:
        card = await ready(bea)
        audited = world.office.audited()
        shown = await world.office.answer_to(rita, "/prime server llama")
        assert interactive_elements(shown) == ["Logs", "Usage", "Chart", "Refresh"]
        for word in ("Stop", "Delete"):
            await rita.presses(word, in_message=card["ts"])
            told = await rita.sees("needs the role READ_WRITE")
            assert told["ephemeral"]
        for verb in ("start", "stop", "delete"):
            answer = await world.office.answer_to(rita, f"/prime {verb} llama")
            assert "needs the role READ_WRITE" in words(answer)
        assert rita.modal is None
        assert world.office.audited() == audited


class TestTheList:
    async def test_it_is_searched_and_paged_and_shows_the_card(self, world: CloudOffice, bea: Person) -> None:
        await ready(bea)
        many(world, 12)
        shown = await world.office.answer_to(bea, "/prime servers")
        assert "*Servers*: 13" in words(shown)
        assert "*copy-12*  :white_circle: stopped" in words(shown)
        assert f"{MODEL} · TGI · RTX A4000, 16 GB · $0.76 per hour" in words(shown)
        assert interactive_elements(shown).count("Details") == 10
        await bea.presses("Next page", in_message=shown["ts"])
        rest = await bea.sees(lambda one: one.get("ts") == shown["ts"] and "*llama*" in words(one))
        assert "ready · up" in words(rest)
        await bea.presses("Details", in_message="copy-2*")
        await bea.sees(lambda one: "Only you see this" in words(one) and "*copy-" in words(one))

        found = await world.office.answer_to(bea, "/prime servers LLAMA")
        assert "*Servers* that match “LLAMA”: 1" in words(found)
        found = await world.office.answer_to(bea, "/prime servers <!channel> & co")
        assert "“&lt;!channel&gt; &amp; co”: 0" in words(found)
        assert "Which one: `copy-1`, `copy-10`" in words(await world.office.answer_to(bea, "/prime server copy"))

    async def test_a_card_for_one_person_is_brought_up_to_date_by_its_buttons(
        self, world: CloudOffice, bea: Person
    ) -> None:
        await ready(bea)
        shown = await world.office.answer_to(bea, "/prime server llama")
        assert interactive_elements(shown) == ["Stop", "Delete", "Logs", "Usage", "Chart", "Refresh"]
        await bea.presses("Stop", in_message=shown["ts"])
        await in_state(bea, "stopped")
        await bea.presses("Refresh", in_message=shown["ts"])
        await bea.sees(lambda one: one.get("ts") == shown["ts"] and ": stopped" in words(one))


class TestUsage:
    async def test_direct_access_is_off_until_an_admin_allows_it_and_the_key_is_shown_to_one_alone(
        self, world: CloudOffice, bea: Person, rita: Person, adam: Person, tmp_path: Path
    ) -> None:
        await ready(bea)
        shown = await world.office.answer_to(bea, "/prime usage llama")
        for part in ("Direct access is off", "$KEY", "curl http://127.", "openai", "httpx", "node:http", "top_p"):
            assert part in words(shown), part
        assert interactive_elements(shown) == []

        page = await world.office.answer_to(adam, "/prime usage llama")
        await adam.presses("Allow direct access", in_message=page["ts"])
        await adam.sees(lambda one: one.get("ts") == page["ts"] and "Direct access is allowed" in words(one))
        seen_by_reader = await world.office.answer_to(rita, "/prime usage llama")
        assert interactive_elements(seen_by_reader) == []

        page = await world.office.answer_to(bea, "/prime usage llama")
        assert "Redaction does not apply" in words(page)
        assert interactive_elements(page) == ["Reveal key"]
        await bea.presses("Reveal key", in_message=page["ts"])
        key_view = await bea.sees(lambda one: one.get("type") == "modal" and "for you alone" in words(one))
        await pressed_again(world)
        assert world.office.audited().count("server.reveal_key") == 1
        [key] = re.findall(r"```(\S+)```", words(key_view))
        [curl] = re.findall(r"\*curl\*\n```\n(.*?)\n```", words(page), re.DOTALL)
        assert '"content":"' in (await said_by(curl, key=key, folder=tmp_path)).replace(" ", "")
        assert not await said_by(curl, key="wrong", folder=tmp_path)

        page = await world.office.answer_to(adam, "/prime usage llama")
        await adam.presses("Forbid direct access", in_message=page["ts"])
        await adam.sees(lambda one: one.get("ts") == page["ts"] and "Direct access is off" in words(one))
        await bea.closes_modal()
        await bea.presses("Reveal key", in_message="Reveal key")
        assert (await bea.sees("Direct access is off for this server now"))["ephemeral"]
        assert world.office.audited().count("server.reveal_key") == 1


class TestHome:
    async def test_it_shows_servers_with_buttons_and_follows_them(
        self, world: CloudOffice, bea: Person, rita: Person
    ) -> None:
        for person in (bea, rita):
            await person.opens_home()
            await person.sees(lambda one: one.get("type") == "home" and "There is none yet" in words(one))
        await ready(bea)
        for person in (bea, rita):
            home = await person.sees(
                lambda one: one.get("type") == "home" and "*llama*  :large_green_circle: ready" in words(one),
                within_seconds=UP,
            )
            assert "$0.76 per hour" in words(home)
        assert bea.home is not None
        assert rita.home is not None
        assert {"Stop", "Delete", "Logs", "Usage", "Create a server"} <= set(interactive_elements(bea.home))
        assert interactive_elements(rita.home) == ["Ask for another role", "Logs", "Usage"]

        await rita.presses("Usage", in_home=True)
        await rita.sees_modal("Usage")
        await bea.presses("Stop", in_home=True)
        await bea.sees(lambda one: one.get("type") == "home" and ": stopped" in words(one), within_seconds=UP)
        assert "$0.00 per hour" in words(bea.home)

    async def test_it_pages_through_many(self, world: CloudOffice, bea: Person) -> None:
        await creates(bea)
        many(world, 12)
        await bea.opens_home()
        await bea.sees(lambda one: one.get("type") == "home" and "copy-12" in words(one))
        await bea.presses(Action.HOME_SERVERS_PAGE, in_home=True)
        await bea.sees(lambda one: one.get("type") == "home" and "*llama*" in words(one))
        await bea.presses(Action.HOME_SERVERS_FIRST, in_home=True)
        await bea.sees(lambda one: one.get("type") == "home" and "copy-12" in words(one))


def many(world: CloudOffice, count: int) -> None:
    """Stopped servers beside the one that there is, `copy-1` and so on, of which no cloud knows."""
    columns_of = "SELECT column_name FROM information_schema.columns WHERE table_name = 'server'"
    names: list[str] = [name for (name,) in world.office.rows(columns_of)]
    other: dict[str, str] = {
        **dict.fromkeys(("machine_id", "due_at", "holder", "lease_until"), "NULL"),
        "id": "id + n",
        "name": "'copy-' || n",
        "machine_name": "'none-' || n",
        "state": "'stopped'",
    }
    columns = ", ".join(names)
    values = ", ".join([other.get(name, name) for name in names])
    world.office.rows(
        f"INSERT INTO server ({columns}) SELECT {values} FROM server, generate_series(1, {count}) AS n RETURNING id"
    )


async def said_by(command: str, *, key: str, folder: Path) -> str:
    """What a shell command, copied from Slack, prints."""
    text = command.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", text, cwd=folder, env={"PATH": os.environ["PATH"], "KEY": key},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    printed, _ = await asyncio.wait_for(process.communicate(), timeout=20)
    return printed.decode()
