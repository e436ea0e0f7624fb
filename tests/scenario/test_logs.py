"""An engine's log in Slack."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from core.logs.model import Level
from db.logs import PostgresLogDatabase
from lab.slack.screen import words
from tests.scenario.access import interactive_elements
from tests.scenario.cloud import CloudOffice, open_cloud_office
from tests.scenario.conftest import eventually
from tests.scenario.test_servers import ready

pytestmark = pytest.mark.xdist_group("log roles")  # roles belong to the cluster, which all workers share


@pytest.fixture
async def log_database(empty_database_url: str) -> AsyncIterator[PostgresLogDatabase]:
    database = PostgresLogDatabase(empty_database_url)
    await database.prepare()
    yield database
    await database.aclose()


@pytest.fixture
async def world(
    database_url: str, empty_database_url: str, log_database: PostgresLogDatabase
) -> AsyncIterator[CloudOffice]:
    async with open_cloud_office(database_url, log_database_url=SecretStr(empty_database_url)) as world:
        await eventually(lambda: world.office.rows("SELECT 1 FROM provider_key") != [])
        yield world
        roles = [name for (name,) in world.office.rows("SELECT machine_name FROM server")]
    for role in roles:
        await log_database.drop_role(role)


async def arrived(world: CloudOffice, database: PostgresLogDatabase) -> None:
    """The whole log of the one server."""
    ((role,),) = world.office.rows("SELECT machine_name FROM server")

    async def is_there() -> bool:
        rows = await database.lines(role, at_least=Level.TRACE, limit=1)
        return "Connected" in str(rows)

    await eventually(is_there)


async def test_is_read_filtered_and_followed_by_whoever_may_see_servers(
    world: CloudOffice, log_database: PostgresLogDatabase
) -> None:
    bea, rita = await world.office.person("U0BEA"), await world.office.person("U0RITA")
    await ready(bea)
    await arrived(world, log_database)
    shown = await world.office.answer_to(rita, "/prime logs llama 5")
    assert "Connected" in words(shown)
    assert interactive_elements(shown) == ["All", "Warnings", "Errors", "Refresh", "Follow"]
    assert "Args {" not in words(shown)
    await rita.presses("Errors", in_message=shown["ts"])
    shown = await rita.sees(lambda one: one.get("ts") == shown["ts"] and "Nothing yet." in words(one))

    await rita.presses("All", in_message=shown["ts"])
    await rita.sees(lambda one: one.get("ts") == shown["ts"] and "Connected" in words(one))
    await rita.presses("Follow", in_message=shown["ts"])
    await rita.sees_modal("Engine log")
    await rita.sees("follows the log until")
    machine = next(one for one in world.cloud.machines if one.name.startswith("prime-"))
    line = "something new <!channel>"
    machine.computer.docker.containers["prime-engine"].log_lines.append(line)
    await eventually(lambda: line in words(rita.modal), within_seconds=20)
    world.clock.jump(301)
    await eventually(lambda: "followed the log until" in words(rita.modal), within_seconds=20)


async def test_a_button_shows_it_where_no_message_can_be_shown(
    world: CloudOffice, log_database: PostgresLogDatabase
) -> None:
    bea = await world.office.person("U0BEA")
    card = await ready(bea)
    await arrived(world, log_database)
    await bea.presses("Logs", in_message=card["ts"])
    await bea.sees_modal("Engine log")
    await bea.presses("Errors")
    await eventually(lambda: "Nothing yet." in words(bea.modal))
    await bea.presses("All")
    await eventually(lambda: "Connected" in words(bea.modal))


async def test_without_a_log_database_it_tells_how_far_the_server_is(database_url: str) -> None:
    async with open_cloud_office(database_url) as world:
        await eventually(lambda: world.office.rows("SELECT 1 FROM provider_key") != [])
        bea = await world.office.person("U0BEA")
        await ready(bea)
        shown = await world.office.answer_to(bea, "/prime logs llama")
        for part in ("ready", "LOG_DATABASE_URL", "prime migrate --logs"):
            assert part in words(shown)
