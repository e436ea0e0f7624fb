"""Every action x every kind of person x {fresh, stale, duplicate, forged}: who may not is told so, alone, and nothing
changes; who may has exactly one effect. A new action without a row here fails a test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from bot.ids import Action, Input, Modal
from bot.listeners import actions, commands, modals
from bot.listeners.commands.subcommands import SUBCOMMANDS
from bot.views import access as access_views
from bot.views import kit
from core.access.model import Role
from core.access.permissions import LEAST_ROLE
from lab.slack.screen import Json
from tests.conftest import _database
from tests.scenario.access import open_office
from tests.scenario.access_world import ROOM, USERS, Place, Who, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

WENT_WRONG = "Something went wrong"


EVERYBODY = frozenset(Who)
MEMBERS_WITHOUT_ADMIN = frozenset({Who.NONE, Who.READ, Who.READ_WRITE})
ADMINS = frozenset({Who.ADMIN})
NOBODY: frozenset[Who] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Row:
    """An action, and who may do it."""

    id: str
    allowed: frozenset[Who]
    draw: Callable[[World, str, str], Callable[[], Awaitable[Any]]]
    """Puts it before somebody, with a value that comes back as they click; what clicks."""
    value: Callable[[World, str], str] = lambda _world, _user: ""
    """One that exists."""
    audit: tuple[str, ...] = ()
    """What its effect leaves; none for what only shows."""
    forged: bool = True
    """Whether it carries a value that could be forged."""


def press(
    action: Action,
    allowed: frozenset[Who],
    place: Place,
    *,
    value: Callable[[World, str], str] | None = None,
    audit: tuple[str, ...] = (),
    overflow: bool = False,
) -> Row:
    def draw(world: World, user: str, text: str) -> Callable[[], Awaitable[Any]]:
        element = (
            kit.overflow(action, [kit.option("Choose", text)]) if overflow else kit.button("Press", action, value=text)
        )
        spot = world.draw(user, [kit.actions(element, block_id="b")], place)

        async def click() -> None:
            chosen = {"selected_option": {"value": text}} if overflow else {"value": text}
            await world.lab.platform.interactivity.act(user, spot(), "b", action, chosen, None)

        return click

    return Row(
        id=f"{action.name.lower()} {place}",
        allowed=allowed,
        draw=draw,
        value=value or Row.value,
        audit=audit,
        forged=value is not None,
    )


def submit(
    modal: Modal,
    allowed: frozenset[Who],
    inputs: list[kit.Block],
    *,
    value: Callable[[World, str], str] | None = None,
    audit: tuple[str, ...] = (),
) -> Row:
    def draw(world: World, user: str, text: str) -> Callable[[], Awaitable[Any]]:
        view = world.open(user, kit.modal(modal, "Drawn", inputs, submit="Go", private_metadata=text))
        given = view["state"]["values"]
        if Input.REASON in given:
            given = {**given, Input.REASON: {Input.REASON: {"type": "plain_text_input", "value": "because"}}}
        return lambda: world.lab.platform.interactivity.submit(user, view["id"], given)

    return Row(
        id=f"{modal.name.lower()} submitted",
        allowed=allowed,
        draw=draw,
        value=value or Row.value,
        audit=audit,
        forged=value is not None,
    )


def _select(name: Input, chosen: kit.Option) -> kit.Block:
    return kit.labelled(name, kit.select(name, [chosen], initial=chosen), block_id=name)


REASON = kit.labelled("Reason", kit.text_input(Input.REASON), block_id=Input.REASON)
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


def _metadata(world: World, _user: str) -> str:
    world.office.rows("DELETE FROM role_mapping RETURNING subject")
    return '{"subject": "group:S0READERS", "role": "READ"}'


APPROVED, DENIED = ("access.request.approve",), ("access.request.deny",)

ROWS = [
    press(Action.MENU_HELP, EVERYBODY, Place.CHANNEL),
    press(Action.HOME_PAGE, ADMINS, Place.HOME, value=lambda *_: "5"),
    press(Action.HOME_FIRST, ADMINS, Place.HOME),
    press(Action.ACCESS_ASK, MEMBERS_WITHOUT_ADMIN, Place.CHANNEL),
    press(Action.ACCESS_ASK, MEMBERS_WITHOUT_ADMIN, Place.HOME),
    press(Action.ADMIN_CLAIM, NOBODY, Place.HOME),  # there is one; the story of the first admin is told elsewhere
    press(
        Action.REQUEST_WITHDRAW, EVERYBODY, Place.PRIVATE, value=_own_request, audit=("access.request.withdraw",)
    ),
    press(Action.REQUEST_WITHDRAW, EVERYBODY, Place.HOME, value=_own_request, audit=("access.request.withdraw",)),
    press(Action.REQUEST_APPROVE, ADMINS, Place.CHANNEL, value=_request, audit=APPROVED),
    press(Action.REQUEST_APPROVE, ADMINS, Place.HOME, value=_request, audit=APPROVED),
    press(Action.REQUEST_APPROVE_AS, ADMINS, Place.CHANNEL, value=_request),
    press(Action.REQUEST_APPROVE_AS, ADMINS, Place.HOME, value=_request),
    press(Action.REQUEST_DENY, ADMINS, Place.CHANNEL, value=_request),
    press(Action.REQUEST_DENY, ADMINS, Place.HOME, value=_request),
    press(Action.USERS_PAGE, ADMINS, Place.PRIVATE, value=_reader),
    press(Action.USERS_FIRST, ADMINS, Place.PRIVATE),
    press(
        Action.USERS_MENU, ADMINS, Place.PRIVATE, value=lambda *of: f"change:{_reader(*of)}", overflow=True
    ),
    press(
        Action.USERS_MENU,
        ADMINS,
        Place.CHANNEL,
        value=lambda *of: f"remove:{_reader(*of)}",
        overflow=True,
        audit=("access.grant.end",),
    ),
    press(Action.MAPPING_ADD, ADMINS, Place.MODAL),
    press(Action.MAPPING_REMOVE, ADMINS, Place.MODAL, value=lambda w, _: w.mapping("S0BUILDERS", Role.READ)),
    press(Action.AUDIT_OLDER, ADMINS, Place.PRIVATE, value=lambda *_: "5|"),
    submit(Modal.REQUEST_ACCESS, MEMBERS_WITHOUT_ADMIN, [REASON, ROLE_ADMIN, DURATION], audit=("access.request.open",)),
    submit(Modal.APPROVE_AS, ADMINS, [ROLE_READ, DURATION], value=_request, audit=APPROVED),
    submit(Modal.DENY, ADMINS, [REASON], value=_request, audit=DENIED),
    submit(
        Modal.CHANGE_ROLE,
        ADMINS,
        [ROLE_ADMIN, DURATION, REASON],
        value=_reader,
        audit=("access.grant.add",),
    ),
    submit(Modal.ADD_MAPPING, ADMINS, [GROUP, ROLE_READ]),
    submit(Modal.PREVIEW_MAPPING, ADMINS, [kit.section("A preview")], value=_metadata, audit=("access.mapping.set",)),
]  # fmt: skip

FORGED = {
    "of nobody": "U0NOBODY",
    "of nothing": "123456789",
    "beyond the column": "99999999999",
    "beyond any column": "999999999999999999",
    "negative": "-1",
    "rubbish": "kumquat",
    "sql": "1'; DROP TABLE role_grant; --",
    "huge": "9" * 1900,
    "nul": "1\x00",
    "a verb": "change:U0NOBODY",
    "another verb": "remove:U0NOBODY|x",
    "a subject": "group:S0NOTHING",
    "a page of nul": "1|x\x00",
    "a mapping": '{"subject": "group:S0NOTHING", "role": "ADMIN"}',
    "a mapping of nul": '{"subject": "group:\\u0000", "role": "ADMIN"}',
    "a mapping to no role": '{"subject": "group:S0READERS", "role": "OWNER"}',
    "a mapping to NONE": '{"subject": "group:S0READERS", "role": "NONE"}',
    "a list": "[1]",
}  # fmt: skip
ONLY_LOOKS = {
    Action.HOME_PAGE.name.lower(): {"of nothing", "beyond the column", "beyond any column"},
    Action.USERS_PAGE.name.lower(): {"of nobody"},  # the page after a place in the list
    Action.AUDIT_OLDER.name.lower(): {"of nothing", "beyond the column", "beyond any column"},
}
"""Forged values that are as good as any: they only say where to go on reading."""


@pytest.fixture(scope="module")
def office_database(postgres_url: str, template_database: str) -> Iterator[str]:
    yield from _database(postgres_url, template=template_database)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_world(office_database: str) -> AsyncIterator[World]:
    async with open_office(office_database) as office:
        yield World(office)


@pytest_asyncio.fixture(loop_scope="module")
async def world(one_world: World) -> World:
    """Nothing that Slack's limits remember is left from the case before."""
    await one_world.office.settled()
    one_world.lab.clock.jump(20)
    for user in USERS.values():
        one_world.lab.platform.views.clear(user)
        one_world.forget_request_of(user)
    return one_world


async def refused(world: World, user: str, click: Callable[[], Awaitable[Json | None]]) -> str:
    """The person, and nobody else, is told one thing; nothing is changed. What they are told."""
    state, own, others = world.office.state(), world.own(user), world.others(user)
    answer = await click()
    await world.office.settled()
    at_inputs = list((answer or {}).get("errors", {}).values())
    told = at_inputs + [text for place, text in world.own(user).items() if place not in own]
    assert len(told) == 1, told
    assert WENT_WRONG not in told[0]
    assert "." in told[0]
    assert world.office.state() == state
    assert world.others(user) == others
    return told[0]


@asynccontextmanager
async def exactly(world: World, audit: tuple[str, ...]) -> AsyncIterator[None]:
    before = world.office.state()
    yield
    await world.office.settled()
    assert tuple(world.office.audited()[len(before["audit"]) :]) == audit
    if not audit:
        assert world.office.state() == before


async def test_every_action_and_modal_has_a_row() -> None:
    ids = {row.id.split()[0] for row in ROWS}
    assert set(actions.LISTENERS) == set(Action)
    assert set(modals.LISTENERS) == set(Modal) - {Modal.MAPPINGS}, "the list of mappings has nothing to submit"
    assert ids == {one.name.lower() for one in (*actions.LISTENERS, *modals.LISTENERS)}


@pytest.mark.parametrize("who", Who)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_fresh(world: World, row: Row, who: Who) -> None:
    user = USERS[who]
    click = row.draw(world, user, row.value(world, user))
    if who not in row.allowed:
        await refused(world, user, click)
        return
    own, others = world.own(user), world.others(user)
    async with exactly(world, row.audit):
        await click()
    shown = [text for place, text in world.own(user).items() if own.get(place) != text]
    assert WENT_WRONG not in "".join(shown)
    if not row.audit:
        assert shown
        assert world.others(user) == others


@pytest.mark.parametrize("row", [row for row in ROWS if row.allowed == ADMINS], ids=lambda row: row.id)
async def test_stale(world: World, row: Row) -> None:
    """The role went between drawing and click."""
    user = world.somebody(Role.ADMIN)
    click = row.draw(world, user, row.value(world, user))
    world.take(user)
    world.give(user, Role.READ_WRITE)
    assert "needs the role ADMIN; yours is READ_WRITE" in await refused(world, user, click)


@pytest.mark.parametrize("row", [row for row in ROWS if row.audit], ids=lambda row: row.id)
async def test_duplicate(world: World, row: Row) -> None:
    """One effect and one story: what comes a second time changes nothing, and nobody else is told twice."""
    user = USERS[Who.ADMIN] if Who.ADMIN in row.allowed else world.somebody()
    click = row.draw(world, user, row.value(world, user))
    others = world.others(user)
    async with exactly(world, row.audit):
        await click()
        await world.again()
    told = [text for place, text in world.others(user).items() if place not in others]
    assert len(told) == len(set(told)), "somebody was told twice"


@pytest.mark.parametrize(
    ("row", "forged"),
    [
        pytest.param(row, forged, id=f"{row.id}-{forged}")
        for row in ROWS
        for forged in FORGED
        if row.forged and forged not in ONLY_LOOKS.get(row.id.split()[0], ())
    ],
)
async def test_forged(world: World, row: Row, forged: str) -> None:
    user = USERS[Who.ADMIN]
    row.value(world, user)
    click = row.draw(world, user, FORGED[forged])
    await refused(world, user, click)


@pytest.mark.parametrize("who", [who for who in Who if who is not Who.DEACTIVATED])
@pytest.mark.parametrize("name", ["", *SUBCOMMANDS, "users <@U0NONE> ADMIN", "users <@U0READ> remove"])
async def test_commands(world: World, name: str, who: Who) -> None:
    user, room = USERS[who], world.lab.workspace.channels[ROOM]
    subcommand = SUBCOMMANDS.get(name.partition(" ")[0])
    least = LEAST_ROLE[subcommand.permission] if subcommand and subcommand.permission else Role.NONE
    role = Role[who.name] if who.name in Role.__members__ else Role.NONE
    own = world.own(user)
    state = world.office.state()
    await world.lab.platform.interactivity.command(user, room, "/prime", name, thread_ts=None)
    await world.office.settled()
    told = {place: text for place, text in world.own(user).items() if place not in own}
    assert len(told) == 1, told
    assert WENT_WRONG not in "".join(told.values())
    if role < least:
        assert "needs the role ADMIN" in "".join(told.values())
        assert world.lab.platform.views.top(user) is None
        assert world.office.state() == state


async def test_there_is_one_command() -> None:
    assert [str(command) for command in commands.LISTENERS] == ["/prime"]
