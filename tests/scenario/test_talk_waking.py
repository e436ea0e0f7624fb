"""Questions to servers that are not ready: they wait, and are answered when the engine is."""

from collections.abc import AsyncIterator

import pytest

from bot.ids import Action
from lab.slack.driver import Person
from lab.slack.screen import Json, words
from tests.scenario.cloud import CloudOffice, open_cloud_office
from tests.scenario.conftest import eventually
from tests.scenario.talking import Answer, is_primes
from tests.scenario.test_servers import UP, creates, in_state, ready


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


async def answer_in(person: Person, ts: str) -> Json:
    """The one message that answers, once it is whole."""
    return await person.sees(
        lambda one: is_primes(one) and one.get("thread_ts") == ts and Answer([one]).is_over, within_seconds=UP
    )


async def offer_in(person: Person, ts: str) -> Json:
    return await person.sees(
        lambda one: is_primes(one) and one.get("thread_ts") == ts and Action.TALK_START in str(one.get("blocks"))
    )


async def stopped(person: Person) -> None:
    await person.types("/prime stop llama", channel="#general")
    await person.sees_modal()
    assert (await person.submits())["ok"]
    await in_state(person, "stopped")


async def test_a_question_to_a_stopped_server_offers_to_start_it_and_is_answered_then(
    world: CloudOffice, bea: Person, rita: Person
) -> None:
    await ready(bea)
    await stopped(bea)
    ts = await bea.says("#general", "@Prime are you up?")
    offer = await offer_in(bea, ts)
    assert "$0.76 per hour" in words(offer)
    assert (await bea.presses(Action.TALK_START, in_message=offer["ts"]))["ok"]
    answer = await answer_in(bea, ts)
    assert answer["ts"] == offer["ts"]
    assert "“are you up?”" in Answer([answer]).text
    assert len([one for one in await rita.messages("#general", thread_ts=ts) if is_primes(one)]) == 1


async def test_who_may_not_start_it_asks_and_is_answered_once_somebody_does(
    world: CloudOffice, bea: Person, rita: Person
) -> None:
    await ready(bea)
    await stopped(bea)
    ts = await rita.says("#general", "@Prime are you up?")
    offer = await offer_in(rita, ts)
    assert (await rita.presses(Action.TALK_START, in_message=offer["ts"]))["ok"]
    await bea.sees(lambda one: "U0RITA" in words(one) and "llama" in words(one), channel="app")
    await world.office.settled()
    assert world.office.rows("SELECT state FROM server") == [("stopped",)], "Rita may not start it"
    assert (await bea.types("/prime start llama", channel="#general"))["ok"]
    await bea.sees_modal()
    assert (await bea.submits())["ok"]
    assert "“are you up?”" in Answer([await answer_in(rita, ts)]).text


async def test_a_question_to_a_server_on_its_way_up_waits_for_it(world: CloudOffice, bea: Person, rita: Person) -> None:
    await creates(bea, channel="#general")
    await eventually(lambda: world.office.rows("SELECT 1 FROM server") != [])
    ts = await rita.says("#general", "@Prime are you up?")
    assert "“are you up?”" in Answer([await answer_in(rita, ts)]).text
