"""Creating a server: the modal, live, and what becomes of what is submitted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
import pytest
from aiohttp import web

from bot.ids import Action
from bot.views import kit
from lab.hub.faults import FaultName as HubFault
from lab.paperspace.faults import FaultName as CloudFault
from lab.slack.deliveries import Kind
from lab.slack.driver import Person
from lab.slack.screen import Json, find_element, words
from tests.scenario.cloud import CloudOffice, open_cloud_office
from tests.scenario.conftest import eventually

TINY, SMALL, LARGE = (
    "Qwen/Qwen2.5-0.5B-Instruct",
    "meta-llama/Llama-3.2-1B-Instruct",
    "meta-llama/Llama-3.3-70B-Instruct",
)
UNLISTED = "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4"
TITLE = "Create a model server"
SOON = 8.0
"""Seconds within which a choice has to show in what depends on it here, where many tests share two processors; people
see it within 1.5."""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[CloudOffice]:
    async with open_world(database_url) as world:
        yield world


@asynccontextmanager
async def open_world(database_url: str, **given: Any) -> AsyncIterator[CloudOffice]:
    async with open_cloud_office(database_url, **given) as world:
        await eventually(lambda: world.office.rows("SELECT 1 FROM provider_key") != [])
        yield world


@pytest.fixture
async def bea(world: CloudOffice) -> Person:
    """READ_WRITE."""
    return await world.office.person("U0BEA")


async def opens(person: Person, channel: str = "#random") -> Json:
    assert (await person.types("/prime create", channel=channel))["ok"]
    return await person.sees_modal(TITLE)


async def filled(person: Person, *, name: str = "llama", model: str = SMALL) -> None:
    await opens(person)
    await person.fills("Name", name)
    await person.chooses("Model", model)
    await person.sees("The model *")


def modal(person: Person) -> Json:
    assert person.modal is not None
    return person.modal


def element(person: Person, label: str) -> Json:
    found = find_element(modal(person)["blocks"], label)
    assert found, label
    return found[1]


def value_of(person: Person, label: str) -> Any:
    """What stands in an input of the modal, as its person sees it."""
    found = find_element(modal(person)["blocks"], label)
    assert found, label
    block, part = found
    state = person.screen.state_of(modal(person))[block["block_id"]][part["action_id"]]
    chosen = state.get("selected_option")
    return chosen["value"] if chosen else state.get("value")


def created(world: CloudOffice) -> list[tuple[Any, ...]]:
    return world.office.rows("SELECT name, offer_type, region, disk_gb, model FROM server ORDER BY id")


class TestOpening:
    @pytest.mark.parametrize("channel", ["#random", "app", "#secrets"])
    async def test_opens_wherever_it_is_typed(self, world: CloudOffice, bea: Person, channel: str) -> None:
        rooms = world.office.lab.workspace.channels
        place = (
            channel
            if channel != "#secrets"
            else next(room.id for room in rooms.values() if "U0BEA" in room.members and "U0PRIME" not in room.members)
        )
        await opens(bea, place)

    async def test_opens_from_the_global_shortcut_and_from_a_button(self, world: CloudOffice, bea: Person) -> None:
        assert (await bea.uses_shortcut("servers.create"))["ok"]
        await bea.sees_modal(TITLE)
        await bea.cancels()
        button = kit.actions(kit.button("Create a server", Action.SERVER_CREATE))
        room = world.office.lab.workspace.channels["C0GENERAL"]
        shown = {**world.office.lab.platform.app.authorship(), "text": "drawn", "blocks": [{"block_id": "b", **button}]}
        world.office.lab.workspace.post(room, shown)
        await bea.sees("Create a server")
        await bea.presses("Create a server")
        await bea.sees_modal(TITLE)

    @pytest.mark.parametrize("user", ["U0RITA", "U0NILS"])
    async def test_who_may_not_create_is_told_what_it_needs(self, world: CloudOffice, user: str) -> None:
        person = await world.office.person(user)
        told = await world.office.answer_to(person, "/prime create")
        assert "needs the role READ_WRITE" in words(told)
        await person.uses_shortcut("servers.create")
        await person.sees("needs the role READ_WRITE", channel="app")
        assert person.modal is None

    async def test_without_a_key_it_says_so_and_who_can_add_one(self, database_url: str) -> None:
        async with open_cloud_office(database_url, has_key=False) as world:
            bea = await world.office.person("U0BEA")
            shown = await opens(bea)
            assert "<@U0ADAM> can add one with `/prime keys`" in words(shown)
            assert find_element(shown["blocks"], "Name") is None

    async def test_a_slow_cloud_keeps_nobody_waiting_and_is_shown_when_it_answers(
        self, world: CloudOffice, bea: Person
    ) -> None:
        world.cloud.faults.switch(CloudFault.SLOW, seconds=0.3)
        shown = await opens(bea)
        assert "NY2?" in words(element(bea, "Offer"))
        assert "What is free right now is not known yet." in words(shown)
        await bea.fills("Name", "llama")
        await bea.sees(lambda one: one.get("type") == "modal" and "NY2?" not in words(one), within_seconds=15)
        assert value_of(bea, "Name") == "llama"
        assert value_of(bea, "Offer") == "A4000"


class TestChoosing:
    async def test_the_summary_follows_within_a_moment_and_what_was_typed_stays(
        self, world: CloudOffice, bea: Person
    ) -> None:
        await opens(bea)
        await bea.fills("Name", "llama")
        await bea.fills("Description", "for the team")
        await bea.chooses("Idle stop", "After 4 hours")
        await bea.chooses("Offer", "A6000")
        shown = await bea.sees("48 GB of GPU memory", within_seconds=SOON)
        assert "*$1.90* per hour" in words(shown)
        await bea.chooses("Disk", "500")
        await bea.sees("*$1.93* per hour", within_seconds=SOON)
        await bea.chooses("Model", LARGE)
        shown = await bea.sees("does not fit", within_seconds=SOON)
        assert "(GPU memory)" in words(shown)
        await bea.chooses("Quantization", "bitsandbytes-nf4")
        await bea.sees(lambda one: "The model *fits*" in words(one), within_seconds=SOON)
        kept = {label: value_of(bea, label) for label in ("Name", "Description", "Idle stop", "Offer", "Disk", "Model")}
        assert kept == {
            "Name": "llama",
            "Description": "for the team",
            "Idle stop": "4h",
            "Offer": "A6000",
            "Disk": "500",
            "Model": LARGE,
        }

    async def test_the_cheapest_that_fits_is_one_click_away(self, world: CloudOffice, bea: Person) -> None:
        await opens(bea)
        await bea.chooses("Offer", "A4000")
        await bea.chooses("Disk", "500")
        await bea.chooses("Model", "Qwen/Qwen3-32B")
        await bea.sees("does not fit", within_seconds=SOON)
        await bea.presses("Use it")
        await bea.sees("The model *fits*", within_seconds=SOON)
        assert value_of(bea, "Offer") != "A4000"
        assert f"*{value_of(bea, 'Offer')}*" in words(modal(bea))

    async def test_any_model_of_the_hub_can_be_typed(self, world: CloudOffice, bea: Person) -> None:
        await opens(bea)
        await bea.chooses("Model", UNLISTED)
        await bea.sees("The model *fits*")
        assert value_of(bea, "Quantization") == "gptq"

    async def test_models_are_searched_in_the_catalogue_and_the_organisation(
        self, world: CloudOffice, bea: Person
    ) -> None:
        await opens(bea)
        await bea.chooses("Model", "acme-ai/support-llama-8b")
        await bea.sees("The model *")

    @pytest.mark.parametrize("model", ["nobody/nothing", "stabilityai/stable-diffusion-xl-base-1.0"])
    async def test_a_model_that_cannot_be_had_is_said_and_refused_at_its_input(
        self, world: CloudOffice, bea: Person, model: str
    ) -> None:
        await opens(bea)
        before = modal(bea)["hash"]
        await bea.fills("Name", "llama")
        await bea.chooses("Model", model)
        await bea.sees(lambda one: one.get("type") == "modal" and one["hash"] != before)
        answer = await bea.submits()
        assert list(answer["errors"]) == ["model"]
        assert created(world) == []

    async def test_of_two_choices_at_the_same_instant_both_count(self, world: CloudOffice, bea: Person) -> None:
        await opens(bea)
        await asyncio.gather(bea.chooses("Offer", "A6000"), bea.chooses("Model", TINY))
        await bea.sees(lambda one: "48 GB" in words(one) and "The model *fits*" in words(one))
        assert value_of(bea, "Offer") == "A6000"

    async def test_an_older_choice_is_never_shown_after_a_newer_one(self, world: CloudOffice, bea: Person) -> None:
        lab = world.office.lab
        await opens(bea)
        for newest in ("A6000", "A4000", "A100", "A5000"):
            sent = [*lab.record.deliveries]
            older = "A4000x2" if newest == "A100" else "A100"
            await asyncio.gather(bea.chooses("Offer", older), bea.chooses("Offer", newest))
            await world.office.settled()
            payloads = [one for one in lab.record.deliveries if one not in sent and one.kind == Kind.INTERACTIVE]
            payloads.sort(key=lambda one: float(one.payload["actions"][0]["action_ts"]))
            [first, last] = [one.payload["actions"][0]["selected_option"]["value"] for one in payloads]
            assert f"*{last}*:" in words(modal(bea))
            await lab.platform.deliveries.ask(Kind.INTERACTIVE, payloads[0].name, payloads[0].payload)
            await world.office.settled()
            assert f"*{last}*:" in words(modal(bea)), f"{first} is older than {last}"

    async def test_a_slow_hub_keeps_nobody_waiting_and_is_shown_when_it_answers(self, database_url: str) -> None:
        async with SlowHub() as hub, open_world(database_url, hf_api_url=hub.url) as world:
            hub.behind = world.hub.url
            bea = await world.office.person("U0BEA")
            await opens(bea)
            await bea.fills("Name", "llama")
            await bea.chooses("Model", UNLISTED)
            await bea.sees("has not told yet what this model is", within_seconds=SOON)
            hub.let_go.set()
            await bea.sees("The model *fits*")
            assert value_of(bea, "Name") == "llama"
            assert value_of(bea, "Model") == UNLISTED

    async def test_what_comes_late_does_not_undo_a_newer_choice(self, database_url: str) -> None:
        async with SlowHub() as hub, open_world(database_url, hf_api_url=hub.url) as world:
            hub.behind = world.hub.url
            bea = await world.office.person("U0BEA")
            await opens(bea)
            await bea.chooses("Model", UNLISTED)
            await bea.sees("has not told yet what this model is")
            await bea.chooses("Offer", "A100")
            await bea.sees("A100 40 GB", within_seconds=SOON + SOON)
            hub.let_go.set()
            await bea.sees("The model *fits*")
            await world.office.settled()
            assert value_of(bea, "Offer") == "A100"
            assert "A100 40 GB" in words(modal(bea))

    async def test_a_hub_that_is_down_is_said_and_what_is_known_is_used(self, world: CloudOffice, bea: Person) -> None:
        world.hub.faults.switch(HubFault.DOWN)
        await opens(bea)
        await bea.fills("Name", "llama")
        await bea.chooses("Model", UNLISTED)
        await bea.sees("Hugging Face is not answering")
        await bea.chooses("Model", SMALL)
        await bea.sees("The model *fits*")
        assert await bea.submits() == {"ok": True}
        assert [row[0] for row in created(world)] == ["llama"]


class TestSubmitting:
    async def test_name_and_model_are_enough(self, world: CloudOffice, bea: Person) -> None:
        await filled(bea)
        assert await bea.submits() == {"ok": True}
        await bea.sees_no_modal()
        assert created(world) == [("llama", "A4000", "NY2", 100, SMALL)]
        [(channel, owner)] = world.office.rows("SELECT channel, owner_user FROM server")
        assert (channel, owner) == (bea.channel("#random"), "U0BEA")
        assert "server.create" in world.office.audited()

    async def test_in_a_direct_message_there_is_no_channel(self, world: CloudOffice, bea: Person) -> None:
        await opens(bea, "app")
        await bea.fills("Name", "llama")
        await bea.chooses("Model", SMALL)
        await bea.sees("The model *fits*")
        assert await bea.submits() == {"ok": True}
        assert world.office.rows("SELECT channel FROM server") == [(None,)]

    @pytest.mark.parametrize("name", ["Not A Name", "-llama", "lla_ma"])
    async def test_what_is_wrong_with_an_input_is_said_at_that_input(
        self, world: CloudOffice, bea: Person, name: str
    ) -> None:
        await filled(bea, name=name)
        answer = await bea.submits()
        assert list(answer["errors"]) == ["name"]
        assert "lower-case letters" in answer["errors"]["name"]
        assert created(world) == []
        assert value_of(bea, "Model") == SMALL

    async def test_a_name_that_is_taken_is_refused(self, world: CloudOffice, bea: Person) -> None:
        await filled(bea)
        assert await bea.submits() == {"ok": True}
        await bea.sees_no_modal()
        await filled(bea, model=TINY)
        answer = await bea.submits()
        assert "a server of this name already" in answer["errors"]["name"]
        assert len(created(world)) == 1

    async def test_a_disk_that_is_too_small_for_the_template_is_refused_at_the_disk(
        self, world: CloudOffice, bea: Person
    ) -> None:
        await filled(bea)
        await bea.chooses("Offer", "A100")
        await bea.sees("A100 40 GB")
        await bea.chooses("Disk", "50")
        await world.office.settled()
        answer = await bea.submits()
        [block_id] = answer["errors"]
        assert block_id.startswith("disk:")
        assert created(world) == []

    async def test_a_misfit_needs_a_second_yes(self, world: CloudOffice, bea: Person) -> None:
        await opens(bea)
        await bea.fills("Name", "llama")
        await bea.chooses("Offer", "A4000")
        await bea.sees("A4000")
        await bea.chooses("Model", LARGE)
        await bea.sees("does not fit")
        assert await bea.submits() == {"ok": True}
        shown = await bea.sees_modal("It does not fit")
        assert shown["submit"]["text"] == "Create anyway"
        assert "costs money" in words(shown)
        assert created(world) == []
        await bea.cancels()
        await bea.sees_modal(TITLE)
        assert value_of(bea, "Name") == "llama"
        await bea.submits()
        await bea.sees_modal("It does not fit")
        assert await bea.submits() == {"ok": True}
        await bea.sees_no_modal()
        assert [row[:2] for row in created(world)] == [("llama", "A4000")]

    @pytest.mark.parametrize("at_once", [False, True])
    async def test_a_submission_that_comes_twice_creates_one_server_and_shows_no_error(
        self, world: CloudOffice, bea: Person, *, at_once: bool
    ) -> None:
        await filled(bea)
        lab = world.office.lab
        if at_once:
            view = modal(bea)
            state = bea.screen.state_of(view)
            submit = lab.platform.interactivity.submit
            await asyncio.gather(
                submit("U0BEA", view["id"], state), submit("U0BEA", view["id"], state), return_exceptions=True
            )
        else:
            await bea.submits()
        submissions = [one for one in lab.record.deliveries if one.payload.get("type") == "view_submission"]
        again = await lab.platform.deliveries.ask(Kind.INTERACTIVE, submissions[0].name, submissions[0].payload)
        assert not again
        assert len(created(world)) == 1
        assert world.office.audited().count("server.create") == 1

    async def test_a_role_that_went_meanwhile_creates_nothing(self, world: CloudOffice, bea: Person) -> None:
        await filled(bea)
        world.office.rows("DELETE FROM role_grant WHERE \"user\" = 'U0BEA' RETURNING id")
        await bea.submits()
        await bea.sees("needs the role READ_WRITE")
        assert created(world) == []


class TestAdvanced:
    async def test_values_are_applied_to_the_form_and_ordered(self, world: CloudOffice, bea: Person) -> None:
        await filled(bea)
        await bea.presses("Advanced")
        shown = await bea.sees_modal("Advanced")
        assert "128 to 1,048,576" in words(shown)
        await bea.fills("Longest prompt (tokens)", "1000")
        await bea.fills("Longest prompt and answer together (tokens)", "2000")
        await bea.chooses("Data type", "bfloat16")
        await bea.chooses("Static address", "Keep one public address over stops (costs)")
        assert await bea.submits() == {"ok": True}
        await bea.sees_modal(TITLE)
        await bea.sees("Longest prompt and answer together (tokens): 2,000")
        assert value_of(bea, "Name") == "llama"
        assert value_of(bea, "Model") == SMALL
        assert "for 2,000 tokens" in words(modal(bea)) or "2,000 tokens" in words(modal(bea))
        assert await bea.submits() == {"ok": True}
        await bea.sees_no_modal()
        [(options, static)] = world.office.rows("SELECT options, static_address FROM server")
        assert '"max_total_tokens":2000' in options
        assert '"dtype":"bfloat16"' in options
        assert static

    async def test_what_does_not_go_together_is_said_at_its_input(self, world: CloudOffice, bea: Person) -> None:
        await filled(bea)
        await bea.presses("Advanced")
        await bea.sees_modal("Advanced")
        await bea.fills("Longest prompt (tokens)", "9000")
        answer = await bea.submits()
        assert list(answer["errors"]) == ["max_input_tokens"]
        await bea.fills("Longest prompt (tokens)", "1000")
        assert await bea.submits() == {"ok": True}

    async def test_what_turns_out_wrong_later_is_said_beside_the_button(self, world: CloudOffice, bea: Person) -> None:
        """The values went well with the model that was chosen then."""
        await filled(bea, model="Qwen/Qwen2.5-7B-Instruct")
        await bea.presses("Advanced")
        await bea.sees_modal("Advanced")
        await bea.fills("Longest prompt and answer together (tokens)", "20000")
        assert await bea.submits() == {"ok": True}
        await bea.sees("together (tokens): 20,000")
        await bea.chooses("Model", "HuggingFaceTB/SmolLM2-1.7B-Instruct")
        await bea.sees("does not fit")
        assert await bea.submits() == {"ok": True}
        await bea.sees("under Advanced")
        assert value_of(bea, "Name") == "llama"
        assert created(world) == []


async def test_another_offer_is_tried_with_everything_filled_in(world: CloudOffice, bea: Person) -> None:
    await filled(bea)
    await bea.fills("Description", "for the team")
    assert await bea.submits() == {"ok": True}
    await bea.sees_no_modal()
    [(number,)] = world.office.rows("SELECT id FROM server")
    button = kit.actions(kit.button("Try A5000 in NY2", Action.SERVER_TRY_OFFER, value=f"{number}|A5000|NY2"))
    lab = world.office.lab
    shown = {**lab.platform.app.authorship(), "text": "failed", "blocks": [{"block_id": "b", **button}]}
    lab.workspace.post(lab.workspace.channels["C0GENERAL"], shown)
    await bea.sees("Try A5000 in NY2")
    await bea.presses("Try A5000 in NY2")
    await bea.sees_modal(TITLE)
    values = {label: value_of(bea, label) for label in ("Name", "Description", "Offer", "Region", "Model", "Disk")}
    assert values == {
        "Name": "llama-2",
        "Description": "for the team",
        "Offer": "A5000",
        "Region": "NY2",
        "Model": SMALL,
        "Disk": "100",
    }
    assert await bea.submits() == {"ok": True}
    assert [row[:2] for row in created(world)] == [("llama", "A4000"), ("llama-2", "A5000")]


class SlowHub:
    """Stands in front of the lab's Hub, and lets nothing through before it is told to."""

    def __init__(self) -> None:
        self.behind = ""
        self.let_go = asyncio.Event()
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{rest:.*}", self._pass)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        _, port = self._runner.addresses[0]
        self.url = f"http://127.0.0.1:{port}/api"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _pass(self, request: web.Request) -> web.Response:
        await self.let_go.wait()
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                self.behind.removesuffix("/api") + request.raw_path,
                headers={name: value for name, value in request.headers.items() if name == "Authorization"},
            ) as answer,
        ):
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)
