"""Managing people: the commands of admins, mappings, and what Slack says of somebody."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core.access.model import Role
from core.mappings.model import WORKSPACE_ADMINS
from lab.slack.driver import Person
from lab.slack.errors import SlackError
from lab.slack.people import Person as Member
from lab.slack.screen import words
from lab.slack.web_api.registry import METHODS, Answer, Call
from tests.scenario.access import Office, interactive_elements, open_office
from tests.scenario.conftest import eventually

AT_ONCE = 5.0
"""Seconds within which Slack's events take effect."""


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with open_office(database_url) as office:
        yield office


@pytest.fixture
async def adam(office: Office) -> Person:
    return await office.person("U0ADAM")


@pytest.fixture
async def nils(office: Office) -> Person:
    return await office.person("U0NILS")


@pytest.fixture
async def bea(office: Office) -> Person:
    return await office.person("U0BEA")


class TestUsers:
    @pytest.mark.parametrize(
        ("line", "role", "says"),
        [
            ("/prime users <@U0NILS> READ", "READ", "without an end date"),
            ("/prime users <@U0NILS|nils> read_write for 30d", "READ_WRITE", "until"),
            ("/prime users @nils READ for 30 days", "READ", "until"),
            ("/prime users @nils ADMIN for 1 hour", "ADMIN", "until"),
        ],
    )
    async def test_a_grant_acts_at_once_and_tells_the_person(
        self, office: Office, adam: Person, nils: Person, line: str, role: str, says: str
    ) -> None:
        answer = await office.answer_to(adam, line)
        assert f"<@U0NILS> now has *{role}*" in words(answer)
        assert says in words(answer)
        told = await nils.sees(f"gave you the role *{role}*", channel="app")
        assert "<@U0ADAM>" in words(told)
        assert await office.role_of(nils) == role
        [(actor, target)] = office.rows("SELECT actor, target FROM audit")
        assert (actor, target) == ("T0ACME/U0ADAM", "T0ACME/U0NILS")

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ("@deploybot READ", "A bot cannot hold a role"),
            ("<@U0PRIME> READ", "A bot cannot hold a role"),
            ("@slackbot READ", "A bot cannot hold a role"),
            ("@gus READ", "A guest cannot hold a role"),
            ("@sam READ", "from another workspace cannot hold a role"),
            ("<@U0DORA> READ", "A deactivated person cannot hold a role"),
            ("<@U0NOBODY> READ", "Slack does not know that person"),
            ("nils READ", "as a mention"),
            ("@nils BOSS", "not a role"),
            ("@nils READ for ever", "not a duration"),
            ("@nils READ for 0d", "at least 1s"),
            ("@nils READ for 99999 weeks", "at most"),
            ("@nils READ until tomorrow", "for 30 days"),
            ("@nils remove for 2 days", "no duration"),
            ("@nils remove", "no grant that could be removed"),
            ("@adam READ", "Nobody changes their own role"),
        ],
    )
    async def test_what_cannot_be_is_refused_with_a_sentence(
        self, office: Office, adam: Person, arguments: str, says: str
    ) -> None:
        before = office.state()
        answer = await office.answer_to(adam, f"/prime users {arguments}")
        assert says in words(answer)
        assert office.state() == before

    async def test_who_is_admin_by_configuration_cannot_be_removed_from_slack(self, database_url: str) -> None:
        async with open_office(database_url, prime_admins=("U0ADAM", "U0OLIVIA")) as office:
            adam = await office.person("U0ADAM")
            for change in ("remove", "READ", "NONE"):
                answer = await office.answer_to(adam, f"/prime users @olivia {change}")
                assert "PRIME_ADMINS" in words(answer)
            assert office.audited() == []

    async def test_a_removed_role_is_gone_at_once(self, office: Office, adam: Person, nils: Person) -> None:
        await office.answer_to(adam, "/prime users @nils ADMIN")
        assert "U0NILS" in words(await office.answer_to(nils, "/prime users"))
        await office.answer_to(adam, "/prime users @nils remove")
        assert "needs the role ADMIN; yours is NONE" in words(await office.answer_to(nils, "/prime users"))

    async def test_the_list_is_paged_and_shows_why(self, office: Office, adam: Person) -> None:
        for number in range(25):
            office.rows(
                'INSERT INTO role_grant (team, "user", role, granted_by, reason, since, announced) '
                "VALUES ('T0ACME', %s, 'READ', 'cli:test', '', '2026-01-01', false) RETURNING id",
                f"U0MANY{number:02}",
            )
        shown = await office.answer_to(adam, "/prime users")
        assert "<@U0ADAM> *ADMIN*" in words(shown)
        assert "ADMIN by configuration" in words(shown)
        assert "Next page" in interactive_elements(shown)
        await adam.presses("Next page", in_message=shown["ts"])
        second = await adam.sees(lambda one: one.get("ts") == shown["ts"] and "U0MANY24" in words(one))
        assert "U0ADAM" not in words(second)
        assert "First page" in interactive_elements(second)
        await adam.presses("First page", in_message=shown["ts"])
        await adam.sees(lambda one: one.get("ts") == shown["ts"] and "U0ADAM" in words(one))

    async def test_a_line_of_the_list_changes_and_removes(self, office: Office, adam: Person, nils: Person) -> None:
        await office.answer_to(adam, "/prime users @nils READ")
        shown = await office.answer_to(adam, "/prime users @nils")
        await adam.chooses("access.users.menu", "Change role...", in_message=shown["ts"])
        await adam.sees_modal("Change role")
        await adam.chooses("Role", "READ_WRITE")
        await adam.chooses("Duration", "1 day")
        assert await adam.submits() == {"ok": True}
        await nils.sees("gave you the role *READ_WRITE*", channel="app")
        await adam.chooses("access.users.menu", "Remove grants", in_message=shown["ts"])
        await nils.sees("took your grants in Prime away", channel="app")
        await adam.sees("holds no grant any more")


class TestAudit:
    async def test_everything_that_was_done_is_read_newest_first_and_by_page(
        self, office: Office, adam: Person
    ) -> None:
        for number in range(18):
            await office.answer_to(adam, f"/prime users @nils READ for {number + 1} days")
            office.lab.clock.jump(5)
        shown = await office.answer_to(adam, "/prime audit")
        assert words(shown).index("#18 ") < words(shown).index("#4 ")
        await adam.presses("Older", in_message=shown["ts"])
        await adam.sees(lambda one: one.get("ts") == shown["ts"] and "#3 " in words(one) and "#4 " not in words(one))

    async def test_one_person_is_found_by_mention_as_actor_and_as_target(self, office: Office, adam: Person) -> None:
        await office.answer_to(adam, "/prime users @nils READ")
        await office.answer_to(adam, "/prime users @bea READ")
        shown = words(await office.answer_to(adam, "/prime audit @nils"))
        assert "<@U0ADAM> `access.grant.add` <@U0NILS>" in shown
        assert "U0BEA" not in shown
        assert "U0BEA" in words(await office.answer_to(adam, "/prime audit <@U0ADAM|adam>"))
        assert "Nothing yet" in words(await office.answer_to(adam, "/prime audit @rita"))
        for line in ("/prime audit all of it", "/prime audit nils"):
            assert "Write `/prime audit`" in words(await office.answer_to(adam, line))


class TestSlacksEvents:
    @pytest.mark.parametrize("change", [{"deleted": True}, {"is_restricted": True}, {"is_ultra_restricted": True}])
    async def test_who_is_no_member_any_more_is_none_within_seconds_and_back_with_their_role(
        self, office: Office, adam: Person, nils: Person, change: dict[str, bool]
    ) -> None:
        assert "<@U0NILS>" in words(await office.answer_to(adam, "/prime users @nils ADMIN"))
        assert "People with a role" in words(await office.answer_to(nils, "/prime users"))
        started = office.lab.clock.time()
        office.lab.workspace.change_person("U0NILS", **change)

        async def is_refused() -> bool:
            return "yours is NONE" in words(await office.answer_to(nils, "/prime users"))

        await eventually(is_refused, within_seconds=AT_ONCE)
        assert office.lab.clock.time() - started < AT_ONCE
        office.lab.workspace.change_person("U0NILS", **dict.fromkeys(change, False))

        async def is_back() -> bool:
            return "People with a role" in words(await office.answer_to(nils, "/prime users"))

        await eventually(is_back, within_seconds=AT_ONCE)
        assert office.audited()[1:] == ["access.person.change"] * 2

    async def test_the_last_admin_leaving_slack_is_reported_loudly(self, office: Office) -> None:
        olivia = await office.person("U0OLIVIA")
        office.lab.workspace.change_person("U0ADAM", deleted=True)
        told = await olivia.sees("Prime has no ADMIN without an end date any more", channel="#prime-approvals")
        assert "prime admin grant" in words(told)
        await olivia.sees("Prime has no ADMIN", channel="app")


class TestMappings:
    async def map(self, adam: Person, group: str, role: str) -> None:
        """Up to the preview."""
        assert (await adam.types("/prime roles", channel="#random"))["ok"]
        await adam.sees_modal("Role mappings")
        await adam.presses("Add mapping")
        await adam.sees_modal("Add mapping")
        await adam.chooses("Group", group)
        await adam.chooses("Role", role)
        assert await adam.submits() == {"ok": True}
        await adam.sees_modal("Preview")

    async def test_a_mapping_is_previewed_applied_followed_and_removed(
        self, office: Office, adam: Person, bea: Person, nils: Person
    ) -> None:
        await nils.opens_home()
        await self.map(adam, "@ml-builders", "READ_WRITE")
        assert adam.modal is not None
        assert "<@U0BEA> NONE → READ_WRITE" in words(adam.modal)
        assert "U0ADAM" not in words(adam.modal)  # ADMIN by configuration: nothing changes
        assert office.audited() == []
        assert await adam.submits() == {"ok": True}
        await adam.sees_modal("Role mappings")
        await adam.sees("the role of 1 person changed")
        assert await office.role_of(bea) == "READ_WRITE"

        office.lab.workspace.set_group("S0BUILDERS", ["U0ADAM", "U0NILS"])
        await nils.sees(
            lambda home: home.get("type") == "home" and "*READ_WRITE*" in words(home), within_seconds=AT_ONCE
        )
        await bea.types("/prime access", channel="#random")
        await bea.sees_modal("Ask for access")

        await adam.presses("Remove")
        await adam.sees_modal("Preview")
        assert "<@U0NILS> READ_WRITE → NONE" in words(adam.modal)
        assert await adam.submits() == {"ok": True}
        await adam.sees("No mappings yet.")
        await nils.sees(lambda home: home.get("type") == "home" and "Welcome to Prime" in words(home))
        assert office.audited() == ["access.mapping.set", "access.group.change", "access.mapping.remove"]

    async def test_the_same_mapping_again_is_refused(self, office: Office, adam: Person) -> None:
        await self.map(adam, "@ml-readers", "READ")
        await adam.submits()
        await adam.sees_modal("Role mappings")
        await adam.closes_modal()
        await adam.sees_no_modal()
        await self.map(adam, "@ml-readers", "READ")
        await adam.submits()
        await adam.sees("is mapped to READ already")
        assert office.audited() == ["access.mapping.set"]

    async def test_workspace_admins_and_owners_can_be_mapped(self, office: Office, adam: Person) -> None:
        olivia = await office.person("U0OLIVIA")
        await self.map(adam, "Workspace admins and owners", "ADMIN")
        assert "<@U0OLIVIA> NONE → ADMIN" in words(adam.modal)
        await adam.submits()
        await adam.sees_modal("Role mappings")
        assert await office.role_of(olivia) == "ADMIN"
        assert office.rows("SELECT subject, role FROM role_mapping") == [(WORKSPACE_ADMINS, str(Role.ADMIN))]

    async def test_a_change_of_many_people_is_asked_again(self, office: Office, adam: Person) -> None:
        crowd = [f"U0CROWD{number}" for number in range(60)]
        for user in crowd:
            office.lab.workspace.people[user] = Member(id=user, name=user.lower(), real_name=user, kind="member")
            office.rows(
                'INSERT INTO person (team, "user", standing, name, is_workspace_admin, is_workspace_owner, checked_at) '
                "VALUES ('T0ACME', %s, 'member', %s, false, false, %s) RETURNING 1",
                user,
                user,
                office.lab.clock.now(),
            )
        office.lab.workspace.groups["S0READERS"].users = crowd
        await self.map(adam, "@ml-readers", "READ")
        assert "*Gain* (60)" in words(adam.modal)
        assert "and 40 more" in words(adam.modal)
        await adam.submits()
        assert office.audited() == []
        await adam.sees("Confirm that this is meant")
        await adam.cancels()
        await adam.sees_modal("Preview")
        await adam.chooses("This is a large change", "Yes, change the role of 60 people")
        assert await adam.submits() == {"ok": True}
        await adam.sees("the role of 60 people changed")

    async def test_without_user_groups_on_the_plan_the_workspace_roles_are_still_offered(
        self, adam: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_call: Call) -> Answer:
            raise SlackError("plan_upgrade_required")

        monkeypatch.setitem(METHODS, "usergroups.list", replace(METHODS["usergroups.list"], handler=refuse))
        await adam.types("/prime roles", channel="#random")
        await adam.sees_modal("Role mappings")
        await adam.presses("Add mapping")
        await adam.sees_modal("Add mapping")
        assert adam.modal is not None
        assert "plan has no user groups" in words(adam.modal)
        assert "Workspace owners" in words(adam.modal)
