"""Another PRIME_SECRET_KEY, by the three restarts of docs/operating.md."""

import base64
from pathlib import Path

import pytest

from bot.database import open_database
from bot.settings import Settings
from tests.commands import carry_out
from tests.prime import KEY as OLD
from tests.prime import environment, eventually
from tests.scenario.talking import messages_of, open_talk_office, sent

NEW = base64.urlsafe_b64encode(b"n" * 32).decode()
SAID = "The heron is in the reeds"


async def test_nothing_is_lost_and_the_old_key_is_not_needed_any_more(database_url: str, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, database_url=database_url, prime_secret_key=NEW)  # pyright: ignore[reportCallIssue]: pydantic-settings' own

    async def all_is_under_the_new_one() -> bool:
        async with open_database(settings) as database:
            return await database.unreadable() == 0

    async with open_talk_office(database_url) as world:
        engine = await world.serve()
        bea, adam = await world.office.person("U0BEA"), await world.office.person("U0ADAM")
        ts, _ = await world.asks(bea, f"@Prime {SAID}")
        await adam.types("/prime users @nils READ for 1d", channel="#random")
        await adam.sees("now has")
        env = environment(world.office.lab, tmp_path, DATABASE_URL=database_url)

        for keys in (f"{OLD},{NEW}", f"{NEW},{OLD}"):
            assert not await all_is_under_the_new_one()
            await world.office.stop_prime()
            world.office.configure(prime_secret_key=keys)
            await world.office.start_prime()
        await adam.types("/prime users @nils READ_WRITE for 1d", channel="#random")  # a change that the new key signs
        await adam.sees("*READ_WRITE*")
        await eventually(all_is_under_the_new_one)
        await world.office.stop_prime()
        world.office.configure(prime_secret_key=NEW)
        told = await carry_out("prime doctor", env={**env, "PRIME_SECRET_KEY": NEW}, cwd=tmp_path)
        assert "Secret key: opens what is stored" in told

        await world.office.start_prime()
        await world.asks(bea, "And now?", thread_ts=ts)
        assert SAID in [text for _, text in messages_of(sent(engine)[-1])]

        with pytest.raises(AssertionError, match="not as Prime wrote it"):
            await carry_out("prime audit verify", env={**env, "PRIME_SECRET_KEY": NEW}, cwd=tmp_path)
        await carry_out("prime audit verify", env={**env, "PRIME_SECRET_KEY": f"{NEW},{OLD}"}, cwd=tmp_path)
