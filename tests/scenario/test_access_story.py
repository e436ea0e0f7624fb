"""Asking for access, deciding on it, and what each person sees of it."""

from collections.abc import AsyncIterator

import pytest

from lab.slack.driver import Person
from lab.slack.screen import Json, words
from tests.scenario.access import Office, asks, interactive_elements, open_office

APPROVALS = "#prime-approvals"
DAY = 86_400


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with open_office(database_url) as office:
        yield office


@pytest.fixture
async def adam(office: Office) -> Person:
    return await office.person("U0ADAM")


@pytest.fixture
async def olivia(office: Office) -> Person:
    """Owner of the workspace; without a role in Prime unless she gets one."""
    return await office.person("U0OLIVIA")


@pytest.fixture
async def nils(office: Office) -> Person:
    return await office.person("U0NILS")


async def the_request(person: Person, *, channel: str = APPROVALS) -> Json:
    return await person.sees("asks for", channel=channel)


def now_of(person: Person, message: Json) -> Json:
    """The same message (channel and ts) as it stands on the screen now."""
    return person.screen.messages[message["channel"], message["ts"]]


class TestTheStory:
    async def test_a_newcomer_asks_and_an_admin_approves_with_one_press(
        self, office: Office, nils: Person, adam: Person
    ) -> None:
        await nils.opens_home()
        await nils.sees("Welcome to Prime")
        await asks(nils, reason="To summarise <!channel> interviews")

        shown = await the_request(adam)
        for part in ("<@U0NILS>", "*READ*", "30 days", "To summarise &lt;!channel&gt; interviews", "talk to models"):
            assert part in words(shown), part
        assert interactive_elements(shown) == ["Approve", "Approve as...", "Deny"]
        await nils.sees("You asked for *READ* for 30 days", channel="app")

        assert (await adam.presses("Approve", in_message=shown["ts"]))["ok"]
        settled = await adam.sees(lambda one: one.get("ts") == shown["ts"] and "approved" in words(one))
        assert "<@U0ADAM>" in words(settled)
        assert "<@U0NILS>" in words(settled)
        assert interactive_elements(settled) == []
        told = await nils.sees("Your request was approved by <@U0ADAM>", channel="app")
        assert "*READ*" in words(told)
        await nils.sees(lambda home: home.get("type") == "home" and "Your role is *READ*" in words(home))
        assert await office.role_of(nils) == "READ"
        assert office.audited() == ["access.request.open", "access.request.approve"]

    async def test_approve_as_gives_another_role_and_duration(self, office: Office, nils: Person, adam: Person) -> None:
        await asks(nils, role="READ_WRITE")
        shown = await the_request(adam)
        await adam.presses("Approve as...", in_message=shown["ts"])
        await adam.sees_modal("Approve as")
        await adam.chooses("Role", "READ")
        await adam.chooses("Duration", "1 day")
        assert await adam.submits() == {"ok": True}
        await adam.sees_no_modal()
        settled = await adam.sees(lambda one: one.get("ts") == shown["ts"] and "approved" in words(one))
        assert "READ until" in words(settled)
        await nils.sees("you have *READ*", channel="app")
        assert await office.role_of(nils) == "READ"
        office.lab.clock.jump(DAY + 1)
        await nils.types("/prime access", channel="#random")
        await nils.sees_modal("Ask for access")  # it has ended by itself

    async def test_a_denial_carries_its_reason_to_the_asker_and_holds_for_an_hour(
        self, office: Office, nils: Person, adam: Person
    ) -> None:
        await asks(nils)
        shown = await the_request(adam)
        await adam.presses("Deny", in_message=shown["ts"])
        await adam.sees_modal("Deny request")
        await adam.fills("Reason", "Please read *the* guide <http://x.y> first")
        assert await adam.submits() == {"ok": True}
        settled = await adam.sees(lambda one: one.get("ts") == shown["ts"] and "denied" in words(one))
        assert "<@U0ADAM>" in words(settled)
        assert interactive_elements(settled) == []
        told = await nils.sees("was denied by <@U0ADAM>", channel="app")
        assert "&lt;http://x.y&gt; first" in words(told)

        await nils.types("/prime access", channel="#random")
        refusal = await nils.sees("You can ask again in")
        assert nils.modal is None
        assert refusal["ephemeral"]
        office.lab.clock.jump(3601)
        await asks(nils)
        await adam.sees(lambda one: one.get("ts", "") > shown["ts"] and "asks for" in words(one), channel=APPROVALS)

    async def test_who_asks_again_is_shown_the_open_request_and_can_take_it_back(
        self, office: Office, nils: Person, adam: Person
    ) -> None:
        await asks(nils)
        shown = await the_request(adam)
        answer = await office.answer_to(nils, "/prime access")
        assert nils.modal is None
        assert "It waits for an admin" in words(answer)
        assert (await nils.presses("Withdraw request", in_message=answer["ts"]))["ok"]
        await nils.sees("You took back your request.")
        settled = await adam.sees(lambda one: one.get("ts") == shown["ts"] and "withdrawn" in words(one))
        assert interactive_elements(settled) == []
        await asks(nils)

    async def test_a_form_opened_twice_makes_one_request(self, office: Office, nils: Person, adam: Person) -> None:
        second = await office.person("U0NILS")
        await nils.types("/prime access", channel="#random")
        await nils.sees_modal("Ask for access")
        await nils.fills("Reason", "the first")
        first_view = nils.modal
        await asks(second, reason="the second")
        assert first_view is not None
        await adam.sees("the second", channel=APPROVALS)
        await office.settled()
        assert office.audited() == ["access.request.open"]

    async def test_of_two_admins_the_slower_is_told_who_was_faster(
        self, office: Office, nils: Person, adam: Person, olivia: Person
    ) -> None:
        await office.answer_to(adam, "/prime users @olivia ADMIN")
        await asks(nils)
        shown = await the_request(adam)
        await adam.presses("Approve", in_message=shown["ts"])
        await adam.sees(lambda one: one.get("ts") == shown["ts"] and "approved" in words(one))
        await office.settled()
        # Her screen still showed the buttons as she pressed.
        channel = office.lab.workspace.channels["C0APPROVALS"]
        office.lab.workspace.change(channel, {**channel.messages[shown["ts"]], "blocks": shown["blocks"]})
        await olivia.sees(lambda one: one.get("ts") == shown["ts"] and "Approve" in interactive_elements(one))
        await olivia.presses("Approve", in_message=shown["ts"])
        told = await olivia.sees("already approved by <@U0ADAM>")
        assert told["ephemeral"]
        await office.settled()
        assert office.audited().count("access.request.approve") == 1

    async def test_nobody_approves_their_own_request(self, office: Office, adam: Person, olivia: Person) -> None:
        await asks(olivia, role="ADMIN")
        shown = await the_request(olivia)
        await office.answer_to(adam, "/prime users @olivia ADMIN for 2 days")
        await olivia.opens_home()
        home = await olivia.sees(lambda one: one.get("type") == "home" and "Your role is *ADMIN*" in words(one))
        assert "Withdraw request" in words(home)
        assert "Approve" not in words(home)
        await olivia.presses("Approve", in_message=shown["ts"])
        assert (await olivia.sees("Nobody decides their own request"))["ephemeral"]
        await olivia.presses("Approve as...", in_message=shown["ts"])
        await office.settled()
        assert olivia.modal is None
        assert "access.request.approve" not in office.audited()


class TestWhereRequestsGo:
    async def test_without_a_channel_every_admin_gets_it_and_all_copies_are_edited(self, database_url: str) -> None:
        settings = {"prime_approval_channel": None, "prime_admins": ("U0ADAM", "U0OLIVIA")}
        async with open_office(database_url, **settings) as office:
            adam, olivia, nils = [await office.person(user) for user in ("U0ADAM", "U0OLIVIA", "U0NILS")]
            await asks(nils)
            copies = [await the_request(admin, channel="app") for admin in (adam, olivia)]
            await olivia.presses("Approve", in_message=copies[1]["ts"])
            for admin, copy in zip((adam, olivia), copies, strict=True):
                await admin.sees(lambda one, ts=copy["ts"]: one.get("ts") == ts and "approved" in words(one))
                assert interactive_elements(now_of(admin, copy)) == []

    async def test_a_channel_without_prime_in_it_falls_back_to_the_admins(self, database_url: str) -> None:
        async with open_office(database_url, prime_approval_channel="C0LEADS") as office:
            adam, nils = [await office.person(user) for user in ("U0ADAM", "U0NILS")]
            await asks(nils)
            shown = await the_request(adam, channel="app")
            await adam.presses("Approve", in_message=shown["ts"])
            await nils.sees("Your request was approved", channel="app")


class TestTime:
    async def test_a_request_that_nobody_decides_ends_after_a_week_also_while_prime_is_down(
        self, office: Office, nils: Person, adam: Person
    ) -> None:
        await asks(nils)
        shown = await the_request(adam)
        await office.settled()
        await office.stop_prime()
        office.lab.clock.jump(7 * DAY)
        await office.start_prime()
        settled = await adam.sees(lambda one: one.get("ts") == shown["ts"] and "expired" in words(one))
        assert interactive_elements(settled) == []
        await nils.sees("expired: no admin decided within seven days", channel="app")
        await asks(nils)

    async def test_a_grant_that_ends_soon_is_announced_once_with_a_button_to_renew(
        self, office: Office, adam: Person, nils: Person
    ) -> None:
        await office.answer_to(adam, "/prime users @nils READ for 3 days")
        await office.settled()
        await office.stop_prime()
        office.lab.clock.jump(2.5 * DAY)
        await office.start_prime()
        told = await nils.sees("Your role *READ* in Prime is yours only until", channel="app")
        await nils.presses("Ask to keep it", in_message=told["ts"])
        await nils.sees_modal("Ask for access")
        await nils.fills("Reason", "I am not done yet")
        assert await nils.submits() == {"ok": True}
        shown = await the_request(adam)
        await adam.presses("Approve", in_message=shown["ts"])
        await nils.sees("Your request was approved", channel="app")
        office.lab.clock.jump(DAY)
        assert await office.role_of(nils) == "READ"
        await office.settled()
        await office.stop_prime()
        await office.start_prime()
        await office.settled()
        said = [words(message) for message in await nils.messages("app")]
        assert sum("is yours only until" in one for one in said) == 1


class TestTheFirstAdmin:
    async def test_an_owner_claims_the_role_once_and_nobody_else_is_offered_it(self, database_url: str) -> None:
        async with open_office(database_url, prime_admins=()) as office:
            olivia, adam = [await office.person(user) for user in ("U0OLIVIA", "U0ADAM")]
            await adam.opens_home()
            assert "Become ADMIN" not in words(await adam.sees("Welcome to Prime"))
            await olivia.opens_home()
            await olivia.sees("Prime has no ADMIN yet")
            assert (await olivia.presses("Become ADMIN", in_home=True))["ok"]
            await olivia.sees(lambda home: home.get("type") == "home" and "Your role is *ADMIN*" in words(home))
            await office.settled()
            assert office.audited() == ["access.admin.claim"]
            assert "Become ADMIN" not in words(olivia.home)
