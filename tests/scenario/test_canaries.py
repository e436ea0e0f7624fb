"""A whole conversation full of personal data, and then a look at everything that comes out of Prime but the answers."""

import base64
import json
import re
from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote

import pytest
from prometheus_client import generate_latest

from lab.engine.server import LabEngine
from lab.slack.driver import Person
from tests.prime import eventually
from tests.scenario.talking import TalkOffice, open_talk_office, sent

ZELDA = "Zelda Quartermaine"
EMAIL = "zelda.quartermaine@initech-canary.example"
NOTED_EMAIL = "note-canary@initech-canary.example"
FILE_EMAIL = "file-canary@initech-canary.example"
EDITED_EMAIL = "edit-canary@initech-canary.example"
CHAT_EMAIL = "chat-canary@initech-canary.example"
SYSTEM_EMAIL = "system-canary@initech-canary.example"
ABOUT_EMAIL = "about-canary@initech-canary.example"
PHONE = "+44 20 7946 0991"
CARD = "4929 1234 5678 9015"
IBAN = "DE89 3704 0044 0532 0130 00"
KEY = "AKIA" + "Q7CANARYKEY4ABCD"
SEEDS = (
    "Zelda",
    "Quartermaine",
    EMAIL,
    NOTED_EMAIL,
    FILE_EMAIL,
    EDITED_EMAIL,
    CHAT_EMAIL,
    SYSTEM_EMAIL,
    ABOUT_EMAIL,
    PHONE,
    CARD,
    IBAN,
    KEY,
)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url, prime_log_level="DEBUG") as world:
        yield world


async def test_no_seeded_value_comes_out_anywhere(world: TalkOffice, capfd: pytest.CaptureFixture[str]) -> None:
    engine = await world.serve()
    rita, bea, adam = [await world.office.person(user) for user in ("U0RITA", "U0BEA", "U0ADAM")]
    await set_system_prompt(adam)
    answer = await talk(world, engine, rita, bea)
    assert ZELDA in answer, "values come back to people"
    assert EMAIL in answer
    await world.office.settled()

    told = list(heard(engine))
    assert len(told) >= 6, "the engine was asked"
    assert any("[EMAIL_1]" in one for one in told)
    out, err = capfd.readouterr()
    assert "answered" in out
    for place, text in (
        ("engine", "\n".join(told)),
        ("log", out + err),
        ("metrics", generate_latest().decode()),
        ("database", dump(world)),
    ):
        assert found_in(text) == [], place


async def set_system_prompt(adam: Person) -> None:
    await adam.types("/prime server llama", channel="#general")
    await adam.sees("Answers")
    await adam.presses("Answers")
    await adam.sees_modal()
    await adam.fills("System prompt", f"You help the staff of {SYSTEM_EMAIL}.")
    assert (await adam.submits())["ok"]


async def talk(world: TalkOffice, engine: LabEngine, rita: Person, bea: Person) -> str:
    """All ways in which words get to a model; what the first answer shows."""
    ts, answer = await world.asks(
        rita, f"@Prime my name is {ZELDA}, {EMAIL}, {PHONE}. Card {CARD}, account {IBAN}. Say all that again."
    )
    await bea.says("#general", f"<@U0RITA> ask {NOTED_EMAIL}", thread_ts=ts)
    await world.asks(rita, "and what did Zelda want from Ms Quartermaine?", thread_ts=ts)
    file = await rita.uploads("people.csv", f"name,mail\n{ZELDA},{FILE_EMAIL}\n".encode())
    filed = await rita.says("#general", "who is in this file?", thread_ts=ts, file_ids=(file["id"],))
    await world.answered(rita, filed, thread_ts=ts)
    await world.asks(rita, f"why does {KEY} not work?", thread_ts=ts)
    await rita.sees("password or key")
    last, _ = await world.asks(rita, "say hello", thread_ts=ts)
    await rita.edits("#general", last, f"say hello to {EDITED_EMAIL}")
    await rita.sees("Answer again")
    await rita.presses("Answer again")
    await asked_again(world, engine)
    await rita.types(f"/prime chat llama write to {CHAT_EMAIL}", channel="#general")
    await asked_again(world, engine)
    about = await bea.says("#general", f"call {ABOUT_EMAIL} back")
    await rita.uses_shortcut("talk.message.ask", channel="#general", ts=about)
    await rita.sees_modal()
    await rita.submits()
    await asked_again(world, engine)
    return answer.text


async def asked_again(world: TalkOffice, engine: LabEngine) -> None:
    before = len(sent(engine))
    await world.hastened(eventually(lambda: len(sent(engine)) > before, within_seconds=30))


def heard(engine: LabEngine) -> Iterator[str]:
    """Every body that it got, with the escapes of JSON undone."""
    for request in engine.requests:
        yield json.dumps(request.body, ensure_ascii=False)


def dump(world: TalkOffice) -> str:
    """All rows of all tables as text; what is kept in bytes also as the characters that these would be."""
    tables = world.office.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    rows = [str(row) for (table,) in tables for row in world.office.rows(f'SELECT t::text FROM "{table}" t')]
    text = "\n".join(rows)
    plain = [bytes.fromhex(one).decode("latin-1") for one in re.findall(r"\\x((?:[0-9a-f]{2})+)", text)]
    return "\n".join([text, *plain])


def found_in(text: str) -> list[str]:
    """Seeds, however they may be written."""
    text = text.casefold()
    return [seed for seed in SEEDS if any(one.casefold() in text for one in spellings(seed))]


def spellings(seed: str) -> set[str]:
    plain = seed.encode()
    return {
        seed,
        seed.replace(" ", ""),
        quote(seed, safe=""),
        plain.hex(),
        base64.b64encode(plain).decode().rstrip("="),
        json.dumps(seed)[1:-1],
    }
