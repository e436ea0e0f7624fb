"""Payloads that are signed and otherwise anything: Prime refuses them or takes them, and goes on."""

import json
import random
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from hypothesis import given, note, settings
from hypothesis import strategies as st

from lab.slack.deliveries import Kind
from tests.conftest import _database
from tests.hostile.door import Door, open_door
from tests.hostile.mangling import DEEP, mangled
from tests.profiles import cases

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANSWERS = (200, 400)


@pytest.fixture(scope="module")
def door_database(postgres_url: str, template_database: str) -> Iterator[str]:
    yield from _database(postgres_url, template=template_database)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(door_database: str) -> AsyncIterator[Door]:
    async with open_door(door_database) as door:
        yield door


async def goes_on(door: Door) -> None:
    surprises = await door.surprises()
    assert not surprises, "\n".join(surprises)


async def test_what_slack_sends_is_taken(door: Door) -> None:
    assert {seed.kind for seed in door.seeds} == set(Kind)
    for seed in door.seeds[:: len(door.seeds) // 12]:
        assert await door.knock(seed.kind, door.fresh(seed.payload)) == 200
    await goes_on(door)


@settings(**cases(short=250, long=20_000))
@given(number=st.integers(0, 2**32))
async def test_a_mangled_payload_is_taken_or_refused(door: Door, number: int) -> None:
    chance = random.Random(number)
    seed = chance.choice(door.seeds)
    payload = mangled(door.fresh(seed.payload), chance)
    note(f"{seed.name}: {payload}")
    assert await door.knock(seed.kind, payload) in ANSWERS
    await goes_on(door)


@pytest.mark.parametrize(
    "body",
    ["", "[]", "[1]", "null", '"text"', "1", "{}", "{", "[" * 100_000, json.dumps(DEEP), '{"type": "event_callback"}',
     '{"a": NaN}', '{"a": ' + "9" * 5000 + "}", '{"command": 1}', '{"type": []}',
     '{"type": "event_callback", "event": []}'],
)  # fmt: skip
@pytest.mark.parametrize("in_form", [False, True])
async def test_a_body_that_is_no_payload_is_refused(door: Door, body: str, in_form: bool) -> None:
    if in_form:
        status = await door.post(f"payload={body}", "application/x-www-form-urlencoded")
    else:
        status = await door.post(body)
    assert status == 400
    await goes_on(door)


async def test_a_body_without_end_is_not_read(door: Door) -> None:
    assert await door.post('{"a": "' + "x" * 2_000_000 + '"}') == 413
    await goes_on(door)


async def test_bytes_that_are_no_text_are_refused(door: Door) -> None:
    assert await door.post("payload=%ff%fe", "application/x-www-form-urlencoded") == 400
    await goes_on(door)


async def test_half_a_character_in_a_prompt_is_no_reason_to_refuse_it(door: Door) -> None:
    [said] = [seed for seed in door.seeds if seed.name == "says it directly"]
    event = {**said.payload["event"], "text": "a half \ud83d and a nul \x00", "ts": "1790000000.000001"}
    assert await door.knock(said.kind, {**said.payload, "event": event, "event_id": "EvHALF"}) == 200
    await goes_on(door)
    assert door.world.office.rows("SELECT 1 FROM inbox WHERE event_id = 'EvHALF'")


async def test_work_of_somebody_whom_nobody_can_write_to_ends(door: Door) -> None:
    [pressed] = [seed for seed in door.seeds if seed.name == "menu_help in a channel"]
    ghost = {**pressed.payload, "user": {"id": "U0GHOST"}, "response_url": None}
    assert await door.knock(pressed.kind, ghost) == 200
    await goes_on(door)
    assert door.world.office.rows("SELECT state FROM inbox WHERE work_key LIKE 'pressed/U0GHOST/%%'") == [("failed",)]
