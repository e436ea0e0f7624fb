"""Mapping groups and workspace roles with open eyes."""

import pytest

from core.access.model import Role
from core.errors import AccessDeniedError, ConflictError, InvalidInputError, NotFoundError, UnavailableError
from core.mappings.model import WORKSPACE_ADMINS, WORKSPACE_OWNERS, Mapping, RoleChange, group_subject
from core.mappings.rules import ASK_AGAIN_ABOVE
from core.notices import Notice
from core.people.model import Standing
from db.storage import PostgresStorage
from tests.access import ADA, BEA, NILS, OLE, TIM, World, person
from tests.clock import ManualClock

GROUP = group_subject("S1")


@pytest.fixture
async def world(storage: PostgresStorage, clock: ManualClock) -> World:
    """ADA is ADMIN; the group S1 is ADA, BEA and TIM, of whom TIM holds READ_WRITE."""
    world = World(storage, clock)
    await world.settle(ADA)
    await world.give(TIM, Role.READ_WRITE)
    world.slack.members_of["S1"] = frozenset({ADA.user, BEA.user, TIM.user})
    return world


async def test_a_preview_names_who_gains_and_changes_nothing(world: World) -> None:
    preview = await world.mappings.preview(await world.acting(ADA), GROUP, Role.READ)

    assert preview.gains == (RoleChange(person=BEA, before=Role.NONE, after=Role.READ),)
    assert preview.losses == ()
    assert await world.role(BEA) is Role.NONE
    assert await world.mappings.list(await world.acting(ADA)) == []
    assert await world.actions() == []


async def test_a_preview_names_who_loses(world: World) -> None:
    ada = await world.acting(ADA)
    await world.mappings.apply(ada, GROUP, Role.READ_WRITE)

    assert (await world.mappings.preview(ada, GROUP, None)).losses == (
        RoleChange(person=BEA, before=Role.READ_WRITE, after=Role.NONE),
    )
    world.slack.members_of["S1"] = frozenset({NILS.user})
    both = await world.mappings.preview(ada, GROUP, Role.READ)
    assert both.gains == (RoleChange(person=NILS, before=Role.NONE, after=Role.READ),)
    assert both.losses == (RoleChange(person=BEA, before=Role.READ_WRITE, after=Role.NONE),)


async def test_applying_does_what_the_preview_says_and_tells(world: World) -> None:
    ada = await world.acting(ADA)

    applied = await world.mappings.apply(ada, GROUP, Role.READ)

    assert [change.person for change in applied.changes] == [BEA]
    assert await world.mappings.list(ada) == [Mapping(subject=GROUP, role=Role.READ)]
    assert [await world.role(one) for one in (ADA, BEA, TIM)] == [Role.ADMIN, Role.READ, Role.READ_WRITE]
    assert await world.notices() == [{"notice": Notice.HOME_CHANGED, "users": [BEA.user]}]
    entry = (await world.audited())[-1]
    assert (entry.actor, entry.action, entry.target) == (str(ADA), "access.mapping.set", GROUP)
    assert entry.detail == {"role": "READ", "people": 1}


async def test_removing_takes_the_role_and_forgets_the_members(world: World) -> None:
    ada = await world.acting(ADA)
    await world.mappings.apply(ada, GROUP, Role.READ)
    await world.mappings.apply(ada, GROUP, None)

    assert await world.role(BEA) is Role.NONE
    assert (await world.actions())[-1] == "access.mapping.remove"
    async with world.storage.transaction() as stores:
        assert await stores.mappings.members(GROUP) == frozenset()
    with pytest.raises(NotFoundError, match="no such mapping"):
        await world.mappings.apply(ada, GROUP, None)


@pytest.mark.parametrize(("more", "asks"), [(0, False), (1, True)])
async def test_a_change_for_more_than_fifty_people_asks_again(world: World, more: int, asks: bool) -> None:
    many = [person(f"m{number:03}") for number in range(ASK_AGAIN_ABOVE + more)]
    world.slack.standing.update(dict.fromkeys(many, Standing.MEMBER))
    world.slack.members_of["S1"] = frozenset(one.user for one in many)
    await world.people.sync()
    ada = await world.acting(ADA)

    if asks:
        with pytest.raises(ConflictError, match="the role of 51 people"):
            await world.mappings.apply(ada, GROUP, Role.READ)
        assert await world.role(many[0]) is Role.NONE
        assert await world.actions() == []
    applied = await world.mappings.apply(ada, GROUP, Role.READ, many_confirmed=asks)

    assert len(applied.changes) == len(many)
    assert await world.role(many[-1]) is Role.READ


async def test_workspace_admins_include_owners_and_owners_do_not_include_admins(world: World) -> None:
    world.slack.admins, world.slack.owners = {OLE}, {NILS}
    await world.people.sync()
    ada = await world.acting(ADA)

    await world.mappings.apply(ada, WORKSPACE_ADMINS, Role.READ)
    await world.mappings.apply(ada, WORKSPACE_OWNERS, Role.READ_WRITE)

    assert [await world.role(one) for one in (OLE, NILS, BEA)] == [Role.READ, Role.READ_WRITE, Role.NONE]


@pytest.mark.parametrize("subject", ["group:", "workspace:guests", "S1", ""])
async def test_a_forged_subject_is_refused(world: World, subject: str) -> None:
    with pytest.raises(InvalidInputError):
        await world.mappings.apply(await world.acting(ADA), subject, Role.READ)


async def test_a_forged_role_is_refused(world: World) -> None:
    with pytest.raises(InvalidInputError):
        await world.mappings.apply(await world.acting(ADA), GROUP, Role.NONE)


async def test_a_group_that_cannot_be_read_is_not_mapped(world: World) -> None:
    world.slack.broken = {"S1"}
    with pytest.raises(UnavailableError):
        await world.mappings.apply(await world.acting(ADA), GROUP, Role.READ)
    assert await world.actions() == []


async def test_a_group_that_is_gone_is_not_mapped(world: World) -> None:
    del world.slack.members_of["S1"]
    with pytest.raises(NotFoundError, match="no such group"):
        await world.mappings.apply(await world.acting(ADA), GROUP, Role.READ)
    assert await world.actions() == []


@pytest.mark.parametrize("role", [Role.NONE, Role.READ, Role.READ_WRITE])
async def test_mapping_is_for_admins(world: World, role: Role) -> None:
    await world.give(NILS, role) if role else None
    nils = await world.acting(NILS)
    with pytest.raises(AccessDeniedError):
        await world.mappings.preview(nils, GROUP, Role.READ)
    with pytest.raises(AccessDeniedError):
        await world.mappings.apply(nils, GROUP, Role.READ)
    with pytest.raises(AccessDeniedError):
        await world.mappings.list(nils)
    with pytest.raises(AccessDeniedError):
        await world.mappings.groups(nils)
