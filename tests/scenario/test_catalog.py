"""The catalogue in Slack: looking around in it, and changing it."""

from collections.abc import AsyncIterator

import pytest

from bot.ids import Action
from bot.listeners.modals import catalog as submissions
from lab.hub.faults import FaultName
from lab.slack import block_state
from lab.slack.driver import Person
from lab.slack.screen import Json, find_element, words
from tests.prime import eventually
from tests.scenario.cloud import CloudOffice, open_cloud_office
from tests.scenario.wire import Wire

TITLE = "Catalogue"
LISTED, UNLISTED = "meta-llama/Llama-3.2-1B-Instruct", "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4"
CHANGES = ("Add model", "Remove", "Set price", "Hide", "Show", "Change limit")
TABS = ("Models", "Machines", "Templates", "Limits")


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[CloudOffice]:
    async with open_cloud_office(database_url) as world:
        await eventually(lambda: world.office.rows("SELECT 1 FROM provider_key") != [])
        yield world


@pytest.fixture
async def adam(world: CloudOffice) -> Person:
    return await world.office.person("U0ADAM")


@pytest.fixture
async def rita(world: CloudOffice) -> Person:
    """READ."""
    return await world.office.person("U0RITA")


async def opens(person: Person, tab: str = "Models") -> Json:
    assert (await person.types("/prime catalog", channel="#random"))["ok"]
    shown = await person.sees_modal(TITLE)
    if tab == "Models":
        return shown
    await person.presses(tab)
    return await on(person, tab)


async def on(person: Person, tab: str) -> Json:
    """The list, once it shows this tab."""

    def is_it(view: Json) -> bool:
        found = find_element(view.get("blocks", []), tab)
        return found is not None and found[1].get("style") == "primary" and found[1]["action_id"] in TAB_ACTIONS

    return await person.sees(is_it)


TAB_ACTIONS = {Action.CATALOG_MODELS, Action.CATALOG_MACHINES, Action.CATALOG_TEMPLATES, Action.CATALOG_LIMITS}


async def presses(person: Person, name: str, about: str) -> None:
    """The button of this name that is about this thing, on whichever page it stands."""
    while True:
        assert person.modal
        for block, element in block_state.elements(person.modal["blocks"]):
            if element.get("value", "").split("|")[0] == about and element["text"]["text"] == name:
                # The driver finds elements by their words, which are the same here on many buttons.
                await person._act(person.modal, block, element, {"value": element["value"]})
                return
        await turns_the_page(person)


async def turns_the_page(person: Person) -> None:
    assert person.modal
    before = person.modal["hash"]
    await person.presses("Next")
    await person.sees(lambda view: view.get("hash") not in (None, before))


def audited(world: CloudOffice) -> list[str]:
    return [action for action in world.office.audited() if action.startswith("catalog.")]


async def test_a_reader_sees_all_of_it_and_has_nothing_to_change_it_with(rita: Person) -> None:
    shown = [words(await opens(rita))]
    for tab in TABS[1:]:
        await rita.presses(tab)
        shown.append(words(await on(rita, tab)))
    models, machines, templates, limits = shown
    assert LISTED in models
    assert "per hour" in machines
    assert "free" in machines
    assert "ML-in-a-Box" in templates
    assert "Stop sequences" in limits
    for text in shown:
        assert not set(CHANGES) & set(text.split("\n"))


async def test_models_are_found_by_a_part_of_their_name(rita: Person) -> None:
    await opens(rita)
    await rita.fills("Search", "llama 3.2 1b")
    assert await rita.submits() == {"ok": True}
    found = words(await rita.sees("Models with `llama 3.2 1b`: 1."))
    assert LISTED in found
    await rita.fills("Search", "kumquat")
    await rita.submits()
    await rita.sees("Models with `kumquat`: 0.")
    await rita.presses("Limits")
    await on(rita, "Limits")
    await rita.presses("Models")
    await rita.sees("Models with `kumquat`: 0.")


async def test_machines_are_paged(rita: Person) -> None:
    first = words(await opens(rita, "Machines"))
    assert "Page 1 of 3" in first
    await rita.presses("Next")
    second = words(await rita.sees("Page 2 of 3"))
    assert not {line for line in first.split("\n") if line.startswith("*")} & set(second.split("\n"))
    await rita.presses("Previous")
    assert words(await rita.sees("Page 1 of 3")) == first


async def test_the_organisations_models_are_listed_and_stay(world: CloudOffice, adam: Person) -> None:
    await opens(adam)
    await presses(adam, "Remove", "acme-ai/tiny-qwen")
    await adam.sees("since it is your organisation's")
    assert audited(world) == []


class TestModels:
    async def test_one_is_added_and_removed_again(self, world: CloudOffice, adam: Person, rita: Person) -> None:
        assert await self.adds(adam, f"  {UNLISTED}\n") == {"ok": True}
        await adam.sees(f"`{UNLISTED}` is in the catalogue.")
        await opens(rita)
        await rita.fills("Search", UNLISTED)
        await rita.submits()
        assert "quantisation gptq" in words(await rita.sees(f"Models with `{UNLISTED}`: 1."))
        await presses(adam, "Remove", UNLISTED)
        await adam.sees(f"`{UNLISTED}` is not listed any more.")
        await rita.submits()
        await rita.sees(f"Models with `{UNLISTED}`: 0.")
        assert audited(world) == ["catalog.model.add", "catalog.model.remove"]

    async def test_one_of_the_file_can_be_removed_and_comes_back(self, world: CloudOffice, adam: Person) -> None:
        await opens(adam)
        await presses(adam, "Remove", LISTED)
        await adam.sees(f"`{LISTED}` is not listed any more.")
        await adam.closes_modal()
        assert await self.adds(adam, LISTED) == {"ok": True}
        assert audited(world) == ["catalog.model.remove", "catalog.model.add"]

    @pytest.mark.parametrize(
        ("model", "sentence"),
        [
            ("no-organisation", "Give a full Hugging Face id"),
            ("<!channel>/x", "Give a full Hugging Face id"),
            ("nobody/nothing", "no such model"),
            ("google/gemma-3-4b-it", "gated"),
            ("stabilityai/stable-diffusion-xl-base-1.0", "does not write text"),
            (LISTED, "in the catalogue already"),
        ],
    )
    async def test_what_cannot_be_added_is_said_at_its_input(
        self, world: CloudOffice, adam: Person, model: str, sentence: str
    ) -> None:
        answer = await self.adds(adam, model)
        assert sentence in answer["errors"]["model"]
        assert audited(world) == []

    async def test_a_hub_that_is_down_is_said_at_the_input(self, world: CloudOffice, adam: Person) -> None:
        world.hub.faults.switch(FaultName.DOWN)
        answer = await self.adds(adam, UNLISTED)
        assert "Hugging Face" in answer["errors"]["model"]
        world.hub.faults.switch(FaultName.DOWN, on=False)
        assert await adam.submits() == {"ok": True}

    async def test_a_hub_that_is_slow_keeps_nobody_waiting(self, adam: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(submissions, "HUB_SECONDS", 0.0)
        answer = await self.adds(adam, UNLISTED)
        assert "has not answered yet" in answer["errors"]["model"]

    async def adds(self, person: Person, model: str) -> Json:
        await opens(person)
        await person.presses("Add model")
        await person.sees_modal("Add model")
        await person.fills("Model", model)
        return await person.submits()


class TestMachines:
    async def test_a_price_is_set_and_given_back(self, world: CloudOffice, adam: Person, rita: Person) -> None:
        await opens(adam, "Machines")
        assert await self.prices(adam, "0.5") == {"ok": True}
        await adam.sees("*A4000* costs $0.50 per hour from now on.")
        await opens(rita, "Machines")
        assert "*$0.50 per hour* (set by an ADMIN)" in await _all_pages(rita)
        await adam.closes_modal()
        await opens(adam, "Machines")
        assert await self.prices(adam, "") == {"ok": True}
        await adam.sees("*A4000* has the price file's price again.")
        assert audited(world) == ["catalog.offer.price", "catalog.offer.price"]

    @pytest.mark.parametrize("text", ["free", "0", "-1", "10001", "0.00001"])
    async def test_what_is_no_price_is_said_at_its_input(self, world: CloudOffice, adam: Person, text: str) -> None:
        await opens(adam, "Machines")
        assert "US dollars" in (await self.prices(adam, text))["errors"]["price"]
        assert audited(world) == []

    async def test_one_is_hidden_and_shown_again(self, world: CloudOffice, adam: Person, rita: Person) -> None:
        await opens(adam, "Machines")
        await presses(adam, "Hide", "A4000")
        await adam.sees("*A4000* is not offered for new servers any more.")
        await opens(rita, "Machines")
        assert "*A4000*\n" not in await _all_pages(rita)
        await presses(adam, "Show", "A4000")
        await adam.sees("*A4000* is offered again.")
        assert audited(world) == ["catalog.offer.hide", "catalog.offer.show"]

    async def test_a_template_is_hidden_once_no_machine_needs_it(
        self, world: CloudOffice, adam: Person, rita: Person
    ) -> None:
        machine, template = "H100x8", "t7vp562h"
        await opens(adam, "Templates")
        await presses(adam, "Hide", template)
        await adam.sees(f"{machine} could not be installed with anything else")
        await adam.presses("Machines")
        await on(adam, "Machines")
        await presses(adam, "Hide", machine)
        await adam.sees(f"*{machine}* is not offered for new servers any more.")
        await adam.presses("Templates")
        await on(adam, "Templates")
        await presses(adam, "Hide", template)
        await adam.sees(f"`{template}` is not offered for new servers any more.")
        assert f"`{template}`" not in words(await opens(rita, "Templates"))
        await presses(adam, "Show", template)
        await adam.sees(f"`{template}` is offered again.")
        assert audited(world) == ["catalog.offer.hide", "catalog.template.hide", "catalog.template.show"]

    async def test_the_same_price_twice_is_one_change(self, world: CloudOffice, adam: Person) -> None:
        wire = Wire(world.office.lab.platform.socket_mode)
        await opens(adam, "Machines")
        with wire.doubling():
            await self.prices(adam, "0.5")
        await world.office.settled()
        assert audited(world) == ["catalog.offer.price"]

    async def prices(self, person: Person, text: str) -> Json:
        await presses(person, "Set price", "A4000")
        await person.sees_modal("Set price")
        await person.fills("Price per hour", text)
        return await person.submits()


class TestLimits:
    async def test_one_is_changed(self, world: CloudOffice, adam: Person, rita: Person) -> None:
        assert await self.changes(adam, maximum="32", default="8") == {"ok": True}
        await adam.sees("Stop sequences: from 1 to 32 now.")
        assert "From 1 to 32; if nothing is given: 8." in words(await opens(rita, "Limits"))
        assert audited(world) == ["catalog.limit.set"]

    @pytest.mark.parametrize(
        ("field", "given"),
        [("maximum", {"minimum": "17"}), ("default", {"default": "17"}), ("default", {"default": "0"})],
    )
    async def test_numbers_that_contradict_each_other_are_said_at_their_input(
        self, world: CloudOffice, adam: Person, field: str, given: dict[str, str]
    ) -> None:
        answer = await self.changes(adam, **given)
        assert list(answer["errors"]) == [field]
        assert audited(world) == []

    async def changes(self, person: Person, **given: str) -> Json:
        await opens(person, "Limits")
        await presses(person, "Change limit", "max_stop_sequences")
        await person.sees_modal("Change limit")
        for name, number in given.items():
            await person.fills(name.capitalize(), number)
        return await person.submits()


async def test_without_a_key_the_models_are_there_and_the_machines_say_who_can_help(database_url: str) -> None:
    async with open_cloud_office(database_url, has_key=False) as world:
        rita = await world.office.person("U0RITA")
        assert LISTED in words(await opens(rita))
        assert "`/prime keys`" in words(await opens(rita, "Machines"))


async def test_a_key_that_is_gone_meanwhile_is_said(world: CloudOffice, rita: Person) -> None:
    await opens(rita, "Machines")
    world.office.rows("DELETE FROM provider_key RETURNING 1")
    await rita.presses("Templates")
    await rita.sees("There is no key for this cloud any more", channel="app")


@pytest.mark.parametrize("user", ["U0NILS"])
async def test_who_has_no_role_sees_nothing_of_it(world: CloudOffice, user: str) -> None:
    person = await world.office.person(user)
    assert "needs the role READ" in words(await world.office.answer_to(person, "/prime catalog"))
    assert person.modal is None


async def _all_pages(person: Person) -> str:
    pages: list[str] = []
    while True:
        assert person.modal
        pages.append(words(person.modal))
        if find_element(person.modal["blocks"], "Next") is None:
            return "\n".join(pages)
        await turns_the_page(person)
