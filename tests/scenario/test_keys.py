"""Clouds' keys in Slack: added, replaced, checked and removed, and never seen again."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot import given_keys
from bot.ids import Modal
from bot.sender import SlackUnavailableError
from bot.worker import Worker
from core.inbox.rules import LEASE
from core.people.model import PersonId
from core.servers.model import ServerState
from db.storage import PostgresStorage
from lab.paperspace.faults import FaultName
from lab.slack.driver import Person
from lab.slack.screen import Json, words
from tests.prime import eventually, logging_as_in_prime
from tests.scenario.cloud import CloudOffice, open_cloud_office
from tests.scenario.wire import Wire
from tests.servers import SPEC, server

TITLE = "Clouds' keys"
WRONG = "no-key-of-anybody"
PATIENCE = 20.0
"""Seconds: a key waits for its worker, for the cloud, and on a busy machine for Slack's budgets."""
REFUSED = "Paperspace does not accept this key."


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[CloudOffice]:
    """No cloud has a key yet."""
    async with open_cloud_office(database_url, has_key=False) as world:
        yield world


@pytest.fixture
async def adam(world: CloudOffice) -> Person:
    return await world.office.person("U0ADAM")


async def opens(person: Person) -> Json:
    assert (await person.types("/prime keys", channel="#random"))["ok"]
    return await person.sees_modal(TITLE)


async def gives(person: Person, key: str, *, button: str = "Add key") -> None:
    await opens(person)
    await person.presses(button)
    await person.sees_modal(button)
    await person.fills("Key", key)
    assert await person.submits() == {"ok": True}


async def added(person: Person, key: str) -> None:
    await gives(person, key)
    await person.sees_modal("Key saved", within_seconds=PATIENCE)
    await person.closes_modal()


async def test_a_key_is_checked_and_kept_and_the_list_shows_it(world: CloudOffice, adam: Person) -> None:
    assert "No key yet" in words(await opens(adam))
    await gives(adam, world.cloud.api_key)
    saved = await adam.sees_modal("Key saved", within_seconds=PATIENCE)
    last_four = world.cloud.api_key[-4:]
    assert f"account Lab, key ending in `{last_four}`" in words(saved)
    await adam.cancels()
    listed = words(await adam.sees_modal(TITLE))
    assert f"`{last_four}`" in listed
    assert "Added by <@U0ADAM>" in listed
    assert world.office.audited() == ["keys.key.add"]


async def test_a_wrong_key_is_refused_and_the_form_comes_back_empty(world: CloudOffice, adam: Person) -> None:
    await gives(adam, WRONG)
    form = await adam.sees(lambda shown: REFUSED in words(shown), within_seconds=PATIENCE)
    assert form["callback_id"] == Modal.ENTER_KEY
    assert WRONG not in str(form)
    await adam.fills("Key", world.cloud.api_key)
    assert await adam.submits() == {"ok": True}
    await adam.sees_modal("Key saved", within_seconds=PATIENCE)
    assert world.office.audited() == ["keys.key.add"]


async def test_what_is_no_key_is_said_at_once_at_its_input(world: CloudOffice, adam: Person) -> None:
    await opens(adam)
    await adam.presses("Add key")
    await adam.sees_modal("Add key")
    await adam.fills("Key", "two words of nothing")
    answer = await adam.submits()
    assert "This is not a key" in answer["errors"]["secret"]
    assert world.office.rows("SELECT 1 FROM inbox WHERE work_key LIKE %s", "key-%") == []


async def test_while_the_cloud_is_slow_the_form_says_that_the_key_is_being_checked(
    world: CloudOffice, adam: Person
) -> None:
    world.cloud.faults.switch(FaultName.SLOW, seconds=0.5)
    await gives(adam, world.cloud.api_key)
    assert "Checking the key with Paperspace" in words(await adam.sees_modal("Checking"))
    await adam.sees_modal("Key saved", within_seconds=PATIENCE)


async def test_a_cloud_that_fails_is_told_and_nothing_is_kept(world: CloudOffice, adam: Person) -> None:
    world.cloud.faults.switch(FaultName.ERRORS, share=1.0)
    await gives(adam, world.cloud.api_key)
    form = await adam.sees(lambda shown: ":warning:" in words(shown), within_seconds=PATIENCE)
    assert form["callback_id"] == Modal.ENTER_KEY
    assert world.office.rows("SELECT 1 FROM provider_key") == []


async def test_who_closes_the_form_hears_of_it_in_a_direct_message(
    world: CloudOffice, adam: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_keys, "ACKNOWLEDGED_WITHIN", (0.0,))
    world.cloud.faults.switch(FaultName.SLOW, seconds=0.3)
    await gives(adam, world.cloud.api_key)
    await adam.closes_modal()
    await eventually(lambda: world.office.rows("SELECT 1 FROM provider_key") != [])
    await adam.sees("The key for Paperspace was saved", channel="app")


async def test_a_submission_that_comes_twice_has_one_effect(world: CloudOffice, adam: Person) -> None:
    wire = Wire(world.office.lab.platform.socket_mode)
    with wire.doubling():
        await gives(adam, world.cloud.api_key)
    await adam.sees_modal("Key saved", within_seconds=PATIENCE)
    await wire.repeat(wire.sent[-1])
    await world.office.settled()
    assert world.office.audited() == ["keys.key.add"]
    assert adam.modal
    assert adam.modal["title"]["text"] == "Key saved"


async def test_a_key_that_was_being_checked_when_prime_went_down_is_checked_by_the_next(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Worker.__init__.__kwdefaults__ is not None
    monkeypatch.setitem(Worker.__init__.__kwdefaults__, "grace_seconds", 0.0)
    async with open_cloud_office(database_url, has_key=False) as world:
        adam = await world.office.person("U0ADAM")
        world.cloud.faults.switch(FaultName.SLOW, seconds=5.0)
        await gives(adam, world.cloud.api_key)
        await eventually(lambda: len(world.cloud.calls) > 0)
        await world.office.stop_prime()
        assert adam.modal
        assert adam.modal["title"]["text"] == "Checking"
        world.cloud.faults.switch(FaultName.SLOW, on=False)
        await world.office.start_prime()
        await adam.sees_modal("Key saved", within_seconds=PATIENCE)
        assert world.office.audited() == ["keys.key.add"]


async def test_a_key_that_was_kept_when_prime_died_is_not_kept_twice(
    world: CloudOffice, adam: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows = given_keys._show

    async def dies(*_: object, **__: object) -> None:
        monkeypatch.setattr(given_keys, "_show", shows)
        raise SlackUnavailableError(maybe_done=False)

    monkeypatch.setattr(given_keys, "_show", dies)
    await gives(adam, world.cloud.api_key)
    await eventually(lambda: given_keys._show is shows)
    world.clock.jump(LEASE.total_seconds())
    await adam.sees_modal("Key saved", within_seconds=PATIENCE)
    assert world.office.audited() == ["keys.key.add"]


async def test_who_is_no_admin_any_more_when_the_cloud_has_answered_changes_nothing(world: CloudOffice) -> None:
    world.office.give("U0BEA", "ADMIN")
    bea = await world.office.person("U0BEA")
    world.cloud.faults.switch(FaultName.SLOW, seconds=0.5)
    await gives(bea, world.cloud.api_key)
    await bea.sees_modal("Checking")
    await eventually(lambda: len(world.cloud.calls) > 0)
    world.office.rows("DELETE FROM role_grant WHERE role = 'ADMIN' RETURNING 1")
    assert "needs the role ADMIN" in words(await bea.sees_modal("That did not work"))
    assert world.office.rows("SELECT 1 FROM provider_key") == []


async def test_a_key_of_another_team_is_refused_with_the_servers_that_would_be_lost(
    world: CloudOffice, adam: Person, storage: PostgresStorage
) -> None:
    await added(adam, world.cloud.api_key)
    await _add_server(world, storage, "support-llama")
    await gives(adam, world.cloud.team("Elsewhere"), button="Replace key")
    form = await adam.sees(lambda shown: ":warning:" in words(shown), within_seconds=PATIENCE)
    assert "This key does not see the machines of `support-llama`" in words(form)
    assert form["callback_id"] == Modal.ENTER_KEY
    assert world.office.audited() == ["keys.key.add"]


async def test_a_new_key_takes_the_place_of_the_old_one(world: CloudOffice, adam: Person) -> None:
    await added(adam, world.cloud.api_key)
    other = world.cloud.team("Elsewhere")
    await gives(adam, other, button="Replace key")
    assert f"account Elsewhere, key ending in `{other[-4:]}`" in words(
        await adam.sees_modal("Key saved", within_seconds=PATIENCE)
    )
    assert world.office.audited() == ["keys.key.add", "keys.key.rotate"]


async def test_a_key_can_be_checked_at_any_time(world: CloudOffice, adam: Person) -> None:
    await added(adam, world.cloud.api_key)
    await opens(adam)
    await adam.presses("Check")
    await adam.sees("Paperspace accepts the key.")
    world.cloud.faults.switch(FaultName.ERRORS, share=1.0)
    await adam.presses("Check")
    await adam.sees(
        lambda shown: ":warning:" in words(shown) and shown["title"]["text"] == TITLE, within_seconds=PATIENCE
    )
    assert await adam.messages("app") == []


async def test_a_key_is_removed_unless_servers_need_it(
    world: CloudOffice, adam: Person, storage: PostgresStorage
) -> None:
    await added(adam, world.cloud.api_key)
    await _add_server(world, storage, "support-llama")
    await opens(adam)
    await adam.presses("Remove")
    assert "`support-llama`" in words(await adam.sees("Prime needs this key"))
    world.office.rows("UPDATE server SET state = 'deleted' RETURNING id")
    await adam.presses("Remove")
    assert "No key yet" in words(await adam.sees("was removed"))
    assert world.office.audited() == ["keys.key.add", "keys.key.remove"]


@pytest.mark.parametrize("user", ["U0NILS", "U0RITA", "U0BEA"])
async def test_only_an_admin_gets_to_see_anything_of_keys(world: CloudOffice, user: str) -> None:
    person = await world.office.person(user)
    assert "needs the role ADMIN" in words(await world.office.answer_to(person, "/prime keys"))
    assert person.modal is None


async def test_a_key_is_nowhere_but_sealed_in_the_database(
    world: CloudOffice, adam: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    """Given wrong and right, while the cloud is slow and when it has answered."""
    given = (WRONG, world.cloud.api_key)
    with logging_as_in_prime():
        await gives(adam, WRONG)
        await adam.sees(lambda shown: REFUSED in words(shown), within_seconds=PATIENCE)
        world.cloud.faults.switch(FaultName.SLOW, seconds=0.5)
        await adam.fills("Key", world.cloud.api_key)
        await adam.submits()
        await adam.sees_modal("Checking")
        assert _unwiped(world) == 1
        meanwhile = _dump(world)
        await adam.sees_modal("Key saved", within_seconds=PATIENCE)
        await world.office.settled()
    assert _unwiped(world) == 0
    record = world.office.lab.record
    told = [str(call.arguments) for call in record.calls] + [str(delivery.ack) for delivery in record.deliveries]
    places = [meanwhile, _dump(world), *capfd.readouterr(), *told, *map(str, adam.screen.modals)]
    assert "keys.key.add" in places[1]
    for key in given:
        assert not any(key in place or key.encode().hex() in place for place in places)


def _unwiped(world: CloudOffice) -> int:
    query = "SELECT 1 FROM inbox WHERE work_key LIKE %s AND payload IS NOT NULL"
    return len(world.office.rows(query, "key-%"))


def _dump(world: CloudOffice) -> str:
    tables = world.office.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    return "\n".join(str(world.office.rows(f"SELECT t::text FROM {table} t")) for (table,) in tables)


async def _add_server(world: CloudOffice, storage: PostgresStorage, name: str) -> None:
    """With a machine; nobody has anything to do for it."""
    async with storage.transaction() as stores:
        one = server(
            state=ServerState.STOPPED,
            spec=replace(SPEC, name=name),
            owner=PersonId("T0ACME", "U0BEA"),
            machine_id="ps1",
            channel=None,
        )
        await stores.servers.add(one, key="key")
    world.office.rows("UPDATE server SET due_at = NULL WHERE name = %s RETURNING id", name)
