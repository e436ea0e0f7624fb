"""Backup and restore, by the very lines of docs/operating.md."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.slack.server import SlackLab
from tests.commands import carry_out, commands
from tests.docs import OPERATING
from tests.prime import KEY, environment
from tests.scenario.talking import TalkOffice, messages_of, open_talk_office, sent

LINES = commands(OPERATING)
SAID = "The heron is in the reeds"
GRANTS = "prime postgres psql -At -c 'SELECT \"user\", role FROM role_grant ORDER BY id'"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url) as world:
        yield world


@pytest.mark.parametrize("with_keys", [False, True])
async def test_prime_goes_on_with_all_but_what_was_said_unless_its_keys_were_kept(
    world: TalkOffice, database_url: str, empty_database_url: str, tmp_path: Path, with_keys: bool
) -> None:
    engine = await world.serve()
    bea = await world.office.person("U0BEA")
    ts, _ = await world.asks(bea, f"@Prime {SAID}")
    env = environment(world.office.lab, tmp_path, DATABASE_URL=database_url, PRIME_SECRET_KEY=KEY)
    await carry_out(LINES["backup"], env=env, cwd=tmp_path)
    await carry_out(LINES["backup of keys"], env=env, cwd=tmp_path)
    await world.office.stop_prime()

    env = {**env, "DATABASE_URL": empty_database_url}
    if with_keys:
        lines = LINES["restore"].splitlines()[0] + "\nprime postgres psql --file=keys.sql\n"
        await carry_out(lines, env=env, cwd=tmp_path)
    else:
        assert "The audit log is whole" in await carry_out(LINES["restore"], env=env, cwd=tmp_path)

    world.office.configure(database_url=empty_database_url)
    await world.office.start_prime()
    assert await world.office.role_of(bea) == "READ_WRITE"
    await world.asks(bea, "And now?", thread_ts=ts)
    asked = [text for _, text in messages_of(sent(engine)[-1])]
    assert (SAID in asked) is with_keys
    assert asked[-1] == "And now?"


async def test_a_backup_holds_no_text_and_no_key_of_a_thread(
    world: TalkOffice, database_url: str, tmp_path: Path
) -> None:
    await world.serve()
    await world.asks(await world.office.person("U0BEA"), f"@Prime {SAID}")
    env = environment(world.office.lab, tmp_path, DATABASE_URL=database_url, PRIME_SECRET_KEY=KEY)
    await carry_out(LINES["backup"], env=env, cwd=tmp_path)
    dump = (tmp_path / "prime.sql").read_text()
    assert "COPY public.turn " in dump
    assert "COPY public.conversation_key " not in dump
    assert SAID not in dump
    assert KEY not in dump


async def test_the_embedded_database_comes_back_and_moves_into_yours(
    lab: SlackLab, empty_database_url: str, tmp_path: Path
) -> None:
    env = environment(lab, tmp_path)
    await carry_out("prime migrate && prime admin grant U0OLIVIA ADMIN", env=env, cwd=tmp_path)
    await carry_out(LINES["backup"], env=env, cwd=tmp_path)

    (tmp_path / "data" / "postgres").rename(tmp_path / "lost")
    told = await carry_out(LINES["restore"] + GRANTS, env=env, cwd=tmp_path)
    assert "The audit log is whole" in told
    assert "Secret key: opens what is stored" in told
    assert told.splitlines()[-1] == "U0OLIVIA|ADMIN"

    yours = {"DATABASE_URL": empty_database_url, "PRIME_SECRET_KEY": (tmp_path / "data" / "secret.key").read_text()}
    told = await carry_out(LINES["restore"].splitlines()[0] + "\n" + GRANTS, env={**env, **yours}, cwd=tmp_path)
    assert told.splitlines()[-1] == "U0OLIVIA|ADMIN"


@pytest.mark.parametrize(
    ("words", "said"), [("psql -c 'nonsense'", "syntax error"), ("rm -r x", "has no program rm; it has psql")]
)
async def test_a_program_that_fails_is_a_command_that_fails(
    lab: SlackLab, database_url: str, tmp_path: Path, words: str, said: str
) -> None:
    env = environment(lab, tmp_path, DATABASE_URL=database_url, PRIME_SECRET_KEY=KEY)
    with pytest.raises(AssertionError, match=said):
        await carry_out(f"prime postgres {words}", env=env, cwd=tmp_path)
