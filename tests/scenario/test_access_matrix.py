"""The matrix of access: every act x every kind of person x {fresh, stale, duplicate, forged}. Who may not is told so,
alone, and nothing changes; who may has exactly one effect. What is not allowed to READ_WRITE is not allowed to who was
ADMIN a moment ago, either.

A new subcommand, button, menu or modal fails `test_everything_has_a_row` until it has a row in ROWS:

    command("servers", READERS),
    press(Action.SERVER_STOP, BUILDERS, Place.CHANNEL, value=_server, audit=("servers.stop",), gone={"deleted": ...}),
    submit(Modal.RENAME, BUILDERS, [NAME], value=_server, audit=("servers.rename",)),

A row says who may; what its effect leaves in the audit log (nothing if it only shows something); what its value names,
made anew for each case; and how that can be gone when it is pressed. The columns make the cases. Their ids name row,
person and column: `test_stale_thing[request_deny in App Home-admin-deleted]`. What a new area decides about is compared
before and after if its table is in `access.TABLES`; what can be forged in a new input is said in FORGED_INPUTS.

The short profile takes each act fresh with each kind of person; in each other column with one who may, a member who may
not and one who is no member, all by a seed; and each forgery with somebody who may do the act. PRIME_TEST_PROFILE=long
takes the whole product.

Who does not have the role any more when a command is delivered is like who never had it: the stale column of the
commands shows that."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from math import ceil
from typing import Any
from unittest.mock import patch

import pytest
import pytest_asyncio

from bot import main
from bot.create_form import CreateForm, metadata_of
from bot.ids import Action, Input, Modal, Shortcut
from bot.listeners import actions, commands, modals, options, shortcuts
from bot.listeners.commands.subcommands import SUBCOMMANDS
from bot.views import access as access_views
from bot.views import kit
from core.access.model import Role
from core.access.permissions import LEAST_ROLE
from core.people.model import PersonId
from core.servers.model import ServerState
from db.engine import create_engine
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from lab.hub.server import HubLab
from lab.paperspace.server import PaperspaceLab
from lab.slack import socket_mode
from tests.conftest import _database
from tests.profiles import LONG
from tests.scenario.access import open_office
from tests.scenario.access_rows import (
    ADMINS,
    BUILDERS,
    EVERYBODY,
    FORGED_INPUTS,
    FORGED_VALUES,
    MEMBERS,
    NOBODY,
    PERSONS,
    Click,
    Row,
    choice,
    command,
    load,
    menu,
    open_home,
    press,
    put,
    sent_by_themself,
    shortcut,
    submit,
)
from tests.scenario.access_world import SERVER, USERS, Place, Who, World
from tests.scenario.catalog_rows import CATALOG_ROWS
from tests.scenario.cost_rows import COST_ROWS
from tests.scenario.redaction_rows import REDACTION_ROWS
from tests.scenario.server_rows import SERVER_ROWS
from tests.scenario.spend_rows import SPEND_ROWS
from tests.scenario.talk_rows import TALK_ROWS
from tests.scenario.watch_rows import WATCH_ROWS
from tests.servers import SPEC, server

pytestmark = pytest.mark.asyncio(loop_scope="module")

# --- what rows are made of ------------------------------------------------------------------------


def _select(name: Input, chosen: kit.Option) -> kit.Block:
    return kit.labelled(name, kit.select(name, [chosen], initial=chosen), block_id=name)


REASON = kit.labelled("Reason", kit.text_input(Input.REASON), block_id=Input.REASON)
REASON_IF_ANY = {**REASON, "optional": True}
DURATION = _select(Input.DURATION, access_views.duration_options()[0])
ROLE_READ = _select(Input.ROLE, access_views.role_option(Role.READ))
ROLE_ADMIN = _select(Input.ROLE, access_views.role_option(Role.ADMIN))
GROUP = _select(Input.GROUP, kit.option("@ml-readers", "group:S0READERS"))


def _request(world: World, _user: str) -> str:
    return world.request_of(world.somebody())


def _own_request(world: World, user: str) -> str:
    return world.request_of(user)


def _reader(world: World, _user: str) -> str:
    return world.somebody(Role.READ)


def _mapping(world: World, _user: str) -> str:
    return world.mapping("S0BUILDERS", Role.READ)


def _settled(state: str) -> Callable[[World, str, str], None]:
    return lambda world, _user, request: world.settle(request, state)


SETTLED = {state: _settled(state) for state in ("approved", "denied", "withdrawn", "expired")}
DELETED = {"deleted": lambda world, _user, request: world.delete_request(request)}
OVERDUE = {"overdue": lambda world, _user, request: world.outdate(request)}
REQUEST_GONE = {**SETTLED, **DELETED, **OVERDUE}
ASKED = {
    "asked elsewhere": lambda world, user, _: world.request_of(user),
    "denied elsewhere": lambda world, user, _: world.settle(world.request_of(user), "denied"),
}
GROUP_GONE = {"group gone": lambda world, _user, _: world.remove_group("S0READERS")}
REMOVED = {"removed": lambda world, _user, menu: world.take(menu.partition(":")[2])}
LEFT = {"deactivated": lambda world, _user, user: world.leave_slack(user)}

APPROVED, DENIED, WITHDRAWN = (("access.request." + verb,) for verb in ("approve", "deny", "withdraw"))
GRANTED, ENDED = ("access.grant.add",), ("access.grant.end",)
LONG_REASONS = {
    f"reason {how}": put(Input.REASON, FORGED_INPUTS[Input.REASON][how]) for how in ("too long", "huge", "of nul")
}
"""Where a reason is optional, one of another type is none."""

CREATE = metadata_of(CreateForm(provider="paperspace"))

# --- the table ------------------------------------------------------------------------------------

ROWS = [
    open_home(),
    shortcut(Shortcut.CREATE_SERVER, BUILDERS),
    press(Action.MENU_HELP, EVERYBODY, Place.CHANNEL),
    press(Action.HOME_PAGE, ADMINS, Place.HOME, value=lambda *_: "5",
          fine=("of nothing", "beyond the column", "beyond any column")),
    press(Action.HOME_FIRST, ADMINS, Place.HOME),
    press(Action.ACCESS_ASK, MEMBERS - ADMINS, Place.CHANNEL, gone=ASKED),
    press(Action.ACCESS_ASK, MEMBERS - ADMINS, Place.HOME, gone=ASKED),
    press(Action.ADMIN_CLAIM, NOBODY, Place.HOME),  # there is one; the story of the first admin is told elsewhere
    # What is overdue may still be taken back: it ends one way or the other.
    press(Action.REQUEST_WITHDRAW, EVERYBODY, Place.PRIVATE, value=_own_request, audit=WITHDRAWN,
          gone=SETTLED | DELETED),
    press(Action.REQUEST_WITHDRAW, EVERYBODY, Place.HOME, value=_own_request, audit=WITHDRAWN, gone=SETTLED | DELETED),
    press(Action.REQUEST_APPROVE, ADMINS, Place.CHANNEL, value=_request, audit=APPROVED, gone=REQUEST_GONE),
    press(Action.REQUEST_APPROVE, ADMINS, Place.HOME, value=_request, audit=APPROVED, gone=REQUEST_GONE),
    press(Action.REQUEST_APPROVE_AS, ADMINS, Place.CHANNEL, value=_request, gone=REQUEST_GONE),
    press(Action.REQUEST_APPROVE_AS, ADMINS, Place.HOME, value=_request, gone=REQUEST_GONE),
    press(Action.REQUEST_DENY, ADMINS, Place.CHANNEL, value=_request, gone=REQUEST_GONE),
    press(Action.REQUEST_DENY, ADMINS, Place.HOME, value=_request, gone=REQUEST_GONE),
    press(Action.USERS_PAGE, ADMINS, Place.PRIVATE, value=_reader, fine=("of nobody",)),  # the page after a place
    press(Action.USERS_FIRST, ADMINS, Place.PRIVATE),
    press(Action.USERS_MENU, ADMINS, Place.PRIVATE, value=lambda *of: f"change:{_reader(*of)}", element=menu),
    press(Action.USERS_MENU, ADMINS, Place.CHANNEL, value=lambda *of: f"remove:{_reader(*of)}", element=menu,
          audit=ENDED, gone=REMOVED),
    press(Action.MAPPING_ADD, ADMINS, Place.MODAL),
    press(Action.MAPPING_REMOVE, ADMINS, Place.MODAL, value=_mapping,
          gone={"removed": lambda world, *_: world.remove_mappings()}),
    press(Action.AUDIT_OLDER, ADMINS, Place.PRIVATE, value=lambda *_: "5|",
          fine=("of nothing", "beyond the column", "beyond any column")),
    press(Action.SERVER_CREATE, BUILDERS, Place.CHANNEL),
    press(Action.SERVER_CREATE, BUILDERS, Place.HOME),
    load(Action.CREATE_MODEL, BUILDERS, query="some/model", metadata=CREATE),
    press(Action.CREATE_MODEL, BUILDERS, Place.MODAL, element=choice, metadata=CREATE, value=lambda *_: "x",
          fine=tuple(FORGED_VALUES)),
    press(Action.CREATE_CHOOSE, BUILDERS, Place.MODAL, element=choice, metadata=CREATE, value=lambda *_: "x",
          fine=tuple(FORGED_VALUES)),
    press(Action.CREATE_USE, BUILDERS, Place.MODAL, value=lambda *_: "A4000|NY2", metadata=CREATE,
          fine=("another verb",)),  # what is not offered is replaced
    press(Action.SERVER_TRY_OFFER, BUILDERS, Place.CHANNEL, value=lambda world, _: f"{world.server()}|A4000|NY2",
          gone={"deleted": lambda world, *_: world.server("deleted")}),
    press(Action.CREATE_ADVANCED, BUILDERS, Place.MODAL, metadata=CREATE),

    submit(Modal.REQUEST_ACCESS, MEMBERS - ADMINS, [REASON, ROLE_ADMIN, DURATION], audit=("access.request.open",),
           gone=ASKED),
    submit(Modal.APPROVE_AS, ADMINS, [ROLE_READ, DURATION], value=_request, audit=APPROVED, gone=REQUEST_GONE),
    submit(Modal.DENY, ADMINS, [REASON], value=_request, audit=DENIED, gone=REQUEST_GONE),
    submit(Modal.CHANGE_ROLE, ADMINS, [ROLE_ADMIN, DURATION, REASON_IF_ANY], value=_reader, audit=GRANTED, gone=LEFT,
           forged={**LONG_REASONS, **PERSONS, "of themself": sent_by_themself},
           fine=("role of NONE",)),  # whoever may give a role may take it
    submit(Modal.ADD_MAPPING, ADMINS, [GROUP, ROLE_READ], gone=GROUP_GONE),
    submit(Modal.PREVIEW_MAPPING, ADMINS, [kit.section("A preview")],
           value=lambda *_: '{"subject": "group:S0READERS", "role": "READ"}', audit=("access.mapping.set",),
           gone={**GROUP_GONE, "mapped elsewhere": lambda world, *_: world.mapping("S0READERS", Role.READ)}),

    # Not filled in, which nobody may; what becomes of those that are is told in test_create.py.
    *[
        submit(modal, NOBODY, [kit.section("A form")], value=lambda *_: CREATE,
               forged={"an unknown cloud": '{"provider": "x"}',
                       "a model of nul": '{"provider": "x", "model": "a\\u0000"}'})
        for modal in (Modal.CREATE_SERVER, Modal.CREATE_ADVANCED, Modal.CREATE_MISFIT, Modal.ASK_CREATE)
    ],

    command("", EVERYBODY),
    command("help", EVERYBODY),
    command("help users", EVERYBODY),
    command("kumquat", EVERYBODY),
    command("access", MEMBERS),
    command("users", ADMINS, forged={
        **{f"grant {of}": f"users <@{user}> READ" for of, user in PERSONS.items()},
        "grant to nobody": "users <@U0NOBODY> READ",
        "grant to themself": lambda payload: payload.update(text=f"users <@{payload['user_id']}> READ"),
        "grant to two": "users <@U0NONE> <@U0READ> ADMIN",
        "grant to a group": "users <!subteam^S0READERS> READ",
        "grant to all": "users <!channel> ADMIN",
        "grant by name": "users U0NONE READ",
        "grant of nul": "users <@U0NONE> READ\x00",
        "grant to nul": "users <@U0NONE\x00> READ",
        "no role": "users <@U0NONE> OWNER",
        "a role and a mention": "users <@U0NONE> READ<!channel>",
        "endless": "users <@U0NONE> READ for 99999999999999d",
        "for no time": "users <@U0NONE> READ for 0s",
        "until a mention": "users <@U0NONE> READ for <!here>",
        "nothing to remove": "users <@U0NONE> remove",
        "by configuration": "users <@U0ADAM> remove",
        "of nobody": "users <@U0NOBODY>",
        "huge": "users " + "<@U0NONE>" * 1000,
    }),
    command("users @reader", ADMINS, value=lambda *of: f"users <@{_reader(*of)}>"),
    command("users @reader ADMIN", ADMINS, value=lambda *of: f"users <@{_reader(*of)}> ADMIN", audit=GRANTED),
    command("users @reader remove", ADMINS, value=lambda *of: f"users <@{_reader(*of)}> remove", audit=ENDED),
    command("roles", ADMINS),
    command("create", BUILDERS),
    command("audit", ADMINS, forged={
        "of a name": "audit nobody",
        "of two": "audit <@U0NONE> <@U0READ>",
        "of a group": "audit <!subteam^S0READERS>",
        "of nul": "audit server \x00",
    }),
    command("audit @reader", ADMINS, value=lambda *of: f"audit <@{_reader(*of)}>"),
    *SERVER_ROWS,
    *WATCH_ROWS,
    *COST_ROWS,
    *SPEND_ROWS,
    *CATALOG_ROWS,
    *TALK_ROWS,
    *REDACTION_ROWS,
]  # fmt: skip


async def test_everything_has_a_row() -> None:
    demanded = {f"press {action}" for action in actions.LISTENERS} | {f"submit {modal}" for modal in modals.LISTENERS}
    demanded |= {f"command {name}" for name in SUBCOMMANDS} | {"event app_home_opened"}
    demanded |= {f"load {action}" for action in options.LISTENERS}
    demanded |= {f"shortcut {callback}" for callback in shortcuts.LISTENERS}
    assert demanded <= {row.of for row in ROWS}
    assert set(actions.LISTENERS) == set(Action)
    lists = {Modal.MAPPINGS, Modal.KEYS, Modal.LOGS}
    assert set(modals.LISTENERS) == set(Modal) - lists, "lists have nothing to submit"
    assert [str(listened) for listened in commands.LISTENERS] == ["/prime"]


async def test_the_rows_of_commands_agree_with_the_table_of_permissions() -> None:
    for subcommand in SUBCOMMANDS.values():
        if subcommand.permission is not None:
            may = {who for who in MEMBERS if who.role >= LEAST_ROLE[subcommand.permission]}
            assert all(row.allowed == may for row in ROWS if row.of == f"command {subcommand.name}")


# --- the columns ----------------------------------------------------------------------------------


def cases(column: str, ways: Callable[[Row], Sequence[str]], *, all_kinds: bool = False) -> list[Any]:
    """Row x person x way. In the short profile each row with one who may, a member who may not and one who is no
    member, or with one of them; and a fifth of its ways with one who may."""
    found: list[Any] = []
    for row in ROWS:
        offered, chance = ways(row), random.Random(f"{column} {row.id}")
        chosen = whole = [(who, way) for who in Who for way in offered]
        if not LONG and offered:
            kinds = [sorted(kind) for kind in (row.allowed, MEMBERS - row.allowed, EVERYBODY - MEMBERS) if kind]
            persons = [chance.choice(kind) for kind in (kinds if all_kinds else chance.sample(kinds, k=1))]
            some = {(who, chance.choice(offered)) for who in persons}
            some |= {(chance.choice(kinds[0]), way) for way in chance.sample(offered, k=ceil(len(offered) / 5))}
            chosen = [one for one in whole if one in some]
        found += [pytest.param(row, who, way, id="-".join(filter(None, (row.id, who, way)))) for who, way in chosen]
    return found


@pytest.mark.parametrize(("row", "who", "_"), cases("fresh", lambda _: [""], all_kinds=True))
async def test_fresh(world: World, row: Row, who: Who, _: str) -> None:
    user = USERS[who]
    click = row.draw(world, user, row.value(world, user))
    await does(world, row, who, user, click)


@pytest.mark.parametrize(("row", "who", "_"), cases("stale person", lambda _: [""]))
async def test_stale_person(world: World, row: Row, who: Who, _: str) -> None:
    """It was drawn for a member who might, and they are somebody else now."""
    user = world.somebody(Role.ADMIN if Who.ADMIN in row.allowed else Role.NONE)
    click = row.draw(world, user, row.value(world, user))
    await world.turn(user, who)
    await does(world, row, who, user, click)


@pytest.mark.parametrize(("row", "who", "way"), cases("stale thing", lambda row: list(row.gone)))
async def test_stale_thing(world: World, row: Row, who: Who, way: str) -> None:
    """What it is about is gone, or done, by the time of the click."""
    user = USERS[who]
    value = row.value(world, user)
    click = row.draw(world, user, value)
    row.gone[way](world, user, value)
    await is_refused(world, user, click)


@pytest.mark.parametrize(("row", "who", "way"), cases("duplicate", lambda _: ["again", "at once"]))
async def test_duplicate(world: World, row: Row, who: Who, way: str) -> None:
    """The same delivery comes a second time: one effect and one answer. To the second there may be a sentence that
    says why it changes nothing; nobody else is told twice."""
    user = USERS[who]
    click = row.draw(world, user, row.value(world, user))
    before, own, others = world.office.state(), world.own(user), world.others(user)
    if way == "at once":
        with world.wire.doubling():
            await click()
    else:
        sent = len(world.wire.sent)
        await click()
        await world.office.settled()
        await world.wire.repeat(world.wire.sent[sent])  # what came later are events of Prime's own messages
    await world.office.settled()
    audited = world.office.audited()[len(before["audit"]) :]
    shown = [new for place, new in world.own(user).items() if own.get(place) != new]
    told = [text for place, text in world.others(user).items() if place not in others]
    assert tuple(audited) == (row.audit if who in row.allowed else ())
    assert not any(WENT_WRONG in new.words for new in shown), shown
    assert sum(new.is_sentence for new in shown) <= 2, shown
    assert sum(not new.is_sentence for new in shown) <= 1 or row.audit, shown
    assert len(told) == len(set(told)), "somebody was told twice"
    if not audited and not (row.is_talk and who in row.allowed):
        assert world.office.state() == before
        assert world.others(user) == others


@pytest.mark.parametrize(("row", "who", "way"), cases("forged", lambda row: list(row.forged)))
async def test_forged(world: World, row: Row, who: Who, way: str) -> None:
    user, forged = USERS[who], row.forged[way]
    value = row.value(world, user)
    if isinstance(forged, str):
        await is_refused(world, user, row.draw(world, user, forged))
        return
    click = row.draw(world, user, value)
    with world.wire.changing(forged):
        await is_refused(world, user, click)


WENT_WRONG = "Something went wrong"


async def does(world: World, row: Row, who: Who, user: str, click: Click) -> None:
    if who in row.allowed:
        await has_its_effect(world, row, user, click)
    else:
        await is_refused(world, user, click)


async def has_its_effect(world: World, row: Row, user: str, click: Click) -> None:
    """What the row says, once, in the audit log; or an answer for this person alone, and no change at all."""
    before, own, others = world.office.state(), world.own(user), world.others(user)
    answer = await click()
    await world.office.settled()
    shown = [new for place, new in world.own(user).items() if own.get(place) != new]
    assert not (answer or {}).get("errors")
    assert WENT_WRONG not in "".join(new.words for new in shown)
    assert tuple(world.office.audited()[len(before["audit"]) :]) == row.audit, shown
    if row.is_talk:
        assert not any(new.is_sentence for new in shown), shown
        assert world.office.state() != before
    elif not row.audit:
        assert any(not new.is_sentence for new in shown) or (answer or {}).get("options"), shown
        assert world.office.state() == before
        assert world.others(user) == others


async def is_refused(world: World, user: str, click: Click) -> None:
    """The person, and nobody else, is told one sentence, or offered no options; nothing is changed, and nothing
    opened."""
    before, own, others = world.office.state(), world.own(user), world.others(user)
    answer = await click()
    await world.office.settled()
    shown = [new for place, new in world.own(user).items() if place not in own]
    if answer is not None and "options" in answer:
        assert not answer["options"]
        assert not shown
    else:
        [told] = [*(answer or {}).get("errors", {}).values(), *(new.words for new in shown)]
        assert all(new.is_sentence for new in shown), shown
        assert WENT_WRONG not in told
        assert "." in told
    assert world.office.state() == before
    assert world.others(user) == others


# --- beside the matrix ----------------------------------------------------------------------------


@pytest.mark.parametrize("who", Who)
async def test_app_home_shows_what_each_may_do(world: World, who: Who) -> None:
    user, asker = USERS[who], world.somebody()
    world.request_of(asker)
    await open_home().draw(world, user, "")()
    await world.office.settled()
    home = world.lab.platform.views.home(user)
    assert home is not None
    pressed = {
        element["action_id"]
        for block in home["blocks"]
        for element in block.get("elements", [])
        if "action_id" in element
    }
    assert ("<@" + asker in str(home)) is (who is Who.ADMIN)
    assert (Action.REQUEST_APPROVE in pressed) is (who is Who.ADMIN)
    assert ("Welcome to Prime" in str(home)) is (who.role is Role.NONE)


@pytest.mark.parametrize("reason", ["&" * 1000, "&\n" * 500, "<!channel>" * 100])
async def test_a_reason_that_grows_when_it_is_escaped_is_told_all_the_same(world: World, reason: str) -> None:
    [ask] = [row for row in ROWS if row.of == f"submit {Modal.REQUEST_ACCESS}"]
    [deny] = [row for row in ROWS if row.of == f"submit {Modal.DENY}"]
    asker, admin = world.somebody(), USERS[Who.ADMIN]
    with world.wire.changing(put(Input.REASON, reason)):
        await ask.draw(world, asker, "")()
        await world.office.settled()
        [(request,)] = world.office.rows("SELECT id FROM access_request")
        assert any(f"<@{asker}> asks for" in text for text in world.others(asker).values())
        await deny.draw(world, admin, str(request))()
        await world.office.settled()
    assert any(f"denied by <@{admin}>" in text for text in world.others(asker).values())
    assert any("was denied" in shown.words for shown in world.own(asker).values())


@pytest.mark.parametrize(
    "text", ["<!channel>", "<@U0ADMIN> hi", "<!subteam^S0READERS>", "help <!here>", "`<!everyone>`"]
)
async def test_what_is_typed_never_becomes_a_live_mention(world: World, text: str) -> None:
    user = USERS[Who.NONE]
    own = world.own(user)
    await command(text, EVERYBODY).draw(world, user, text)()
    [shown] = [new for place, new in world.own(user).items() if place not in own]
    assert "<!" not in shown.words
    assert "<@" not in shown.words


async def _add_server(database_url: str) -> None:
    """World.server puts it into the state that a case needs."""
    engine = create_engine(database_url)
    async with PostgresStorage(engine, SecretKeys([b"k" * 32])).transaction() as stores:
        one = server(state=ServerState.STOPPED, spec=replace(SPEC, name=SERVER), owner=PersonId("T0ACME", "U0NOBODY"))
        number = await stores.servers.next_id()
        await stores.servers.add(replace(one, id=number, channel=None), key="key")
    await engine.dispose()


async def _work_only(workers: Mapping[str, Callable[[], Awaitable[None]]], *_: object) -> None:
    await workers["worker"]()


@pytest.fixture(scope="module")
def office_database(postgres_url: str, template_database: str) -> Iterator[str]:
    yield from _database(postgres_url, template=template_database)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_world(office_database: str) -> AsyncIterator[World]:
    """The lab's hours pass quickly here: one connection carries all of it, and nothing moves by itself, neither server
    nor job, so that all that happens in a case is the case's. What they do is told elsewhere."""
    with patch.object(socket_mode, "LIFE_SECONDS", 1e9), patch.object(main, "_work", _work_only):
        async with open_outside() as outside, open_office(office_database, **outside) as office:
            await _add_server(office_database)
            yield World(office)


@asynccontextmanager
async def open_outside() -> AsyncIterator[dict[str, Any]]:
    """A cloud and a model hub, as settings of Prime."""
    cloud, hub = PaperspaceLab(), HubLab()
    await cloud.start()
    await hub.start()
    try:
        yield {"paperspace_api_url": cloud.url, "hf_api_url": hub.url}
    finally:
        await hub.stop()
        await cloud.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def world(one_world: World) -> World:
    await one_world.clear()
    return one_world
