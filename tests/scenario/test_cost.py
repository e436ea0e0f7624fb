"""What people see of costs, and how an ADMIN sets budgets."""

from collections.abc import AsyncIterator

import pytest

from lab.slack.driver import Person
from lab.slack.screen import words
from tests.scenario.access import interactive_elements
from tests.scenario.cloud import CloudOffice, open_cloud_office
from tests.scenario.conftest import eventually
from tests.scenario.test_servers import UP, ready

HOUR = 3600.0


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[CloudOffice]:
    async with open_cloud_office(database_url) as world:
        await eventually(lambda: world.office.rows("SELECT 1 FROM provider_key") != [])
        yield world


async def test_cost_tells_by_server_owner_and_model_and_draws_a_chart(world: CloudOffice) -> None:
    bea, rita = await world.office.person("U0BEA"), await world.office.person("U0RITA")
    await ready(bea)
    world.clock.jump(1.5 * HOUR)

    await rita.types("/prime cost 7", channel="#general")
    told = await rita.sees("Cost of the last 7 days", within_seconds=UP)

    text = words(told)
    assert "*llama*" in text
    assert "<@U0BEA>" in text
    assert "$1.1" in text  # an hour and a half at $0.76
    assert interactive_elements(told) == ["Chart"]
    await rita.presses("Chart")
    chart = await rita.sees(lambda one: bool(one.get("files")), channel="app", within_seconds=UP)
    assert chart["files"][0]["name"] == "cost.png"


async def test_a_budget_that_is_set_shows_and_a_mistake_in_one_field_changes_none(world: CloudOffice) -> None:
    adam = await world.office.person("U0ADAM")
    await adam.types("/prime cost", channel="#general")
    await adam.sees("Cost of the last 30 days")
    await adam.presses("Budgets")
    await adam.sees_modal("Budgets")
    await adam.fills("Workspace", "500")
    await adam.fills("Each person", "a lot")
    assert "Give US dollars" in str(await adam.submits())
    assert world.office.rows("SELECT 1 FROM spend_limit") == []

    await adam.fills("Each person", "$99.50")
    await adam.submits()
    await adam.sees_no_modal()

    await adam.types("/prime cost", channel="#general")
    await adam.sees(lambda one: "of $500.00 in all" in words(one) and "of $99.50 yours" in words(one))


async def test_a_budget_that_another_admin_set_meanwhile_stays(world: CloudOffice) -> None:
    adam = await world.office.person("U0ADAM")
    await adam.types("/prime cost", channel="#general")
    await adam.sees("Cost of the last 30 days")
    await adam.presses("Budgets")
    await adam.sees_modal("Budgets")
    await adam.fills("Each person", "12.34")
    world.office.rows("INSERT INTO spend_limit VALUES ('workspace', 800) RETURNING 1")
    await adam.submits()
    await adam.sees_no_modal()
    assert set(world.office.rows("SELECT usd_per_month::text FROM spend_limit")) == {("800.00",), ("12.34",)}


@pytest.mark.parametrize("days", ["0", "400", "soon"])
async def test_days_that_make_no_sense_are_told(world: CloudOffice, days: str) -> None:
    rita: Person = await world.office.person("U0RITA")

    await rita.types(f"/prime cost {days}", channel="#general")

    await rita.sees(lambda one: "Choose 1 to 366 days" in words(one) or "/prime cost 7" in words(one))
