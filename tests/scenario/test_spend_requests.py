"""Going beyond a budget, as people see it: the figures, asking an ADMIN, and what becomes of it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from bot import main
from lab.slack.driver import Person
from lab.slack.screen import Json, words
from tests.scenario.access import interactive_elements
from tests.scenario.cloud import CloudOffice, open_cloud_office
from tests.scenario.conftest import eventually
from tests.scenario.test_servers import MODEL, UP, in_state, ready

TITLE = "Beyond the budget"


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
async def adam(world: CloudOffice) -> Person:
    """ADMIN."""
    return await world.office.person("U0ADAM")


def limit(world: CloudOffice, usd: str, *, scope: str = "workspace") -> None:
    world.office.rows("INSERT INTO spend_limit VALUES (%s, %s) RETURNING 1", scope, usd)


async def fills_in(person: Person, name: str = "llama") -> None:
    assert (await person.types("/prime create", channel="#general"))["ok"]
    await person.sees_modal("Create a model server")
    await person.fills("Name", name)
    await person.chooses("Model", MODEL)
    await person.sees("The model *")


async def asks_to_create(person: Person, name: str = "llama") -> Json:
    """What the modal said in front of it."""
    await fills_in(person, name)
    assert await person.submits() == {"ok": True}
    shown = await person.sees_modal(TITLE)
    assert await person.submits() == {"ok": True}
    await person.sees_no_modal()
    return shown


async def request_shown(person: Person, channel: str = "#prime-approvals") -> Json:
    return await person.sees("beyond the budget", channel=channel)


def servers(world: CloudOffice) -> list[tuple[Any, ...]]:
    return world.office.rows("SELECT name, state FROM server")


async def test_who_may_go_beyond_is_asked_with_the_figures_and_approves_with_one_tap(
    world: CloudOffice, bea: Person, adam: Person
) -> None:
    limit(world, "0.50")
    asked = words(await asks_to_create(bea))
    for part in ("$0.50 a month", "Spent this month: $0.00", "What this adds, at the least: $1.", "Ask an admin"):
        assert part in asked, part
    assert servers(world) == []

    request = await request_shown(adam)
    assert interactive_elements(request) == ["Approve", "Deny"]
    for part in ("<@U0BEA>", MODEL, "$0.50 a month"):
        assert part in words(request), part
    own = await bea.sees("You asked to create *llama*", channel="app")
    assert interactive_elements(own) == ["Withdraw"]
    await adam.presses("Approve", in_message=request["ts"])

    await bea.sees("was approved by <@U0ADAM>", channel="app")
    await in_state(bea, "ready", channel="#general")
    settled = await adam.sees(lambda one: one.get("ts") == request["ts"] and "approved by" in words(one))
    assert interactive_elements(settled) == []
    own = await bea.sees(lambda one: one.get("ts") == own["ts"] and "approved by" in words(one), channel="app")
    assert interactive_elements(own) == []
    assert world.office.rows("SELECT owner_user FROM server") == [("U0BEA",)]


async def test_a_denial_tells_the_reason_and_orders_nothing(world: CloudOffice, bea: Person, adam: Person) -> None:
    limit(world, "0.50")
    await asks_to_create(bea)
    request = await request_shown(adam)

    await adam.presses("Deny", in_message=request["ts"])
    await adam.sees_modal("Deny request")
    await adam.fills("Reason", "Wait for <!channel> December")
    assert await adam.submits() == {"ok": True}

    told = await bea.sees("was denied by <@U0ADAM>", channel="app")
    assert ">Wait for &lt;!channel&gt; December" in words(told)
    settled = await adam.sees(lambda one: one.get("ts") == request["ts"] and "denied by" in words(one))
    assert interactive_elements(settled) == []
    assert servers(world) == []


async def test_what_was_asked_can_be_taken_back_and_not_asked_twice(
    world: CloudOffice, bea: Person, adam: Person
) -> None:
    limit(world, "0.50")
    await asks_to_create(bea)
    request = await request_shown(adam)
    await fills_in(bea)
    await bea.submits()
    await bea.sees_modal(TITLE)
    await bea.submits()
    await bea.sees("You have asked for this already")
    await bea.closes_modal()

    own = await bea.sees("You asked to create *llama*", channel="app")
    await bea.presses("Withdraw", in_message=own["ts"])

    settled = await adam.sees(lambda one: one.get("ts") == request["ts"] and "withdrawn" in words(one))
    assert interactive_elements(settled) == []
    await world.office.settled()
    assert len([one for one in await bea.messages("app") if "beyond the budget" in words(one)]) == 1


async def test_a_start_beyond_the_budget_asks_from_the_button_and_from_the_command(
    world: CloudOffice, bea: Person, adam: Person
) -> None:
    await ready(bea)
    await bea.types("/prime stop llama", channel="#general")
    await bea.sees_modal("Stop a server")
    await bea.submits()
    card = await in_state(bea, "stopped", channel="#general")
    limit(world, "0.01", scope="T0ACME/U0BEA")

    await bea.types("/prime start llama", channel="#general")
    await bea.sees_modal("Start a server")
    assert await bea.submits() == {"ok": True}
    assert "The budget of <@U0BEA>" in words(await bea.sees_modal(TITLE))
    await bea.closes_modal()

    await bea.opens_home()
    await eventually(lambda: bea.home is not None and '"Start"' in json.dumps(bea.home))
    await bea.presses("Start", in_home=True)
    await bea.sees("Starting *llama* goes beyond the budget", channel="app")

    await bea.presses("Start", in_message=card["ts"])
    figures = await bea.sees("Starting *llama* goes beyond the budget", channel="#general")
    assert figures["ephemeral"]
    await bea.presses("Ask an admin", in_message=figures["ts"])
    await bea.sees("An admin was asked", channel="#general")
    request = await request_shown(adam)
    await adam.presses("Approve", in_message=request["ts"])

    await bea.sees("Prime starts *llama* now", channel="app")
    await in_state(bea, "ready", channel="#general")


async def test_where_prime_cannot_post_in_the_approval_channel_each_admin_is_asked(database_url: str) -> None:
    async with open_cloud_office(database_url, prime_approval_channel=None) as world:
        await eventually(lambda: world.office.rows("SELECT 1 FROM provider_key") != [])
        bea, adam = await world.office.person("U0BEA"), await world.office.person("U0ADAM")
        limit(world, "0.50")
        await asks_to_create(bea)

        request = await request_shown(adam, "app")

        assert interactive_elements(request) == ["Approve", "Deny"]


async def test_the_only_admin_learns_that_nobody_else_can_decide(database_url: str) -> None:
    async with open_cloud_office(database_url, prime_approval_channel=None) as world:
        await eventually(lambda: world.office.rows("SELECT 1 FROM provider_key") != [])
        adam = await world.office.person("U0ADAM")
        limit(world, "0.50")
        await asks_to_create(adam)

        await adam.sees("no other admin who could decide", channel="app")


async def test_a_limit_that_is_reached_is_told_once_to_the_person_and_to_admins(database_url: str) -> None:
    async with open_hasty(database_url) as world:
        bea, adam = await world.office.person("U0BEA"), await world.office.person("U0ADAM")
        await ready(bea)
        limit(world, "0.10", scope="T0ACME/U0BEA")
        for percent, seconds in ((80, 390), (100, 120)):  # at $0.77 an hour
            world.clock.jump(seconds)
            for person in (bea, adam):
                sentence = f"The budget of <@U0BEA> of $0.10 a month is used to {percent} percent"
                told = await person.sees(sentence, channel="app", within_seconds=UP)
                assert "/prime stop NAME" in words(told)
        await world.office.settled()
        for person in (bea, adam):
            assert sum("of $0.10 a month" in words(one) for one in await person.messages("app")) == 2


async def test_the_digest_comes_once_to_its_channel(database_url: str) -> None:
    async with open_hasty(database_url) as world:
        bea = await world.office.person("U0BEA")
        await ready(bea)
        world.office.rows("UPDATE cost_setting SET digest_channel = 'C0GENERAL' RETURNING 1")
        now = world.clock.now()
        morning = now.replace(hour=9) + timedelta(days=1)
        world.clock.jump((morning - now).total_seconds())
        digest = await bea.sees("Cost of ", channel="#general", within_seconds=UP)
        for part in ("*llama*", "This month so far", "Disks, addresses"):
            assert part in words(digest), part
        await world.office.settled()
        assert sum("This month so far" in words(one) for one in await bea.messages("#general")) == 1


@asynccontextmanager
async def open_hasty(database_url: str) -> AsyncIterator[CloudOffice]:
    """Prime looks at budgets each second."""
    with patch.object(main, "COST_SECONDS", 1):
        async with open_cloud_office(database_url) as world:
            await eventually(lambda: world.office.rows("SELECT 1 FROM provider_key") != [])
            yield world
