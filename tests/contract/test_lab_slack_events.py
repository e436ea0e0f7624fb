"""What events the app is told, with a real Bolt app over both transports (slack-platform.md section 11)."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from lab.slack.driver import Person
from lab.slack.faults import FaultName
from lab.slack.people import Group
from lab.slack.people import Person as Member
from lab.slack.server import SlackLab
from tests.slack_apps import Client, Wire, connected, until

Json = dict[str, Any]


class Heard:
    """Every event that reached the app, whole."""

    def __init__(self) -> None:
        self.bodies: list[Json] = []
        self._arrived = asyncio.Condition()

    async def take(self, body: Json) -> None:
        async with self._arrived:
            self.bodies.append(body)
            self._arrived.notify_all()

    async def wait_for(self, count: int) -> list[Json]:
        """The first events, once there are so many."""
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: len(self.bodies) >= count)
        return self.bodies

    async def events(self, count: int) -> list[Json]:
        return [body["event"] for body in await self.wait_for(count)]


@pytest.fixture
def heard(app: AsyncApp) -> Heard:
    heard = Heard()

    @app.middleware
    async def listen(body: Json, next: Any) -> None:  # noqa: A002
        if body.get("type") in ("event_callback", "app_rate_limited"):
            await heard.take(body)
        await next()

    @app.event({"type": "message", "subtype": "message_changed"})
    @app.event({"type": "message", "subtype": "message_deleted"})
    @app.event({"type": "message", "subtype": "file_share"})
    @app.event("message")
    async def message() -> None: ...

    for name in ("app_mention", "user_change", "team_join", "member_joined_channel", "member_left_channel"):
        app.event(name)(message)
    for name in ("subteam_created", "subteam_updated", "subteam_members_changed", "tokens_revoked", "app_uninstalled"):
        app.event(name)(message)
    return heard


@pytest.fixture
async def wired(lab: SlackLab, app: AsyncApp, heard: Heard, wire: Wire) -> AsyncIterator[None]:
    async with connected(lab, app, wire):
        yield


@pytest.mark.usefixtures("wired")
class TestMessages:
    async def test_mention_arrives_twice_with_one_client_msg_id(self, heard: Heard, bea: Person) -> None:
        ts = await bea.says("#general", "@Prime hello")
        bodies = await heard.wait_for(2)
        events = [body["event"] for body in bodies]
        assert {event["type"] for event in events} == {"message", "app_mention"}
        assert {event["ts"] for event in events} == {ts}
        assert len({event["client_msg_id"] for event in events}) == 1
        assert len({body["event_id"] for body in bodies}) == 2
        assert all(event["text"] == "<@U0PRIME> hello" for event in events)

    async def test_envelope_says_whose_it_is(self, heard: Heard, bea: Person) -> None:
        await bea.says("#general", "hello")
        (body,) = await heard.wait_for(1)
        assert (body["team_id"], body["api_app_id"]) == ("T0ACME", "A0PRIME")
        assert isinstance(body["event_time"], int)
        assert len(body["authorizations"]) == 1
        assert body["is_ext_shared_channel"] is False
        assert body["event"]["channel_type"] == "channel"
        assert "thread_ts" not in body["event"]

    async def test_nothing_is_told_of_where_the_app_is_not(self, lab: SlackLab, bea: Person, heard: Heard) -> None:
        await bea.says("#random", "@Prime are you there?")
        await bea.says("#general", "hello")
        (event,) = await heard.events(1)
        assert event["channel"] == "C0GENERAL"
        assert len(lab.record.deliveries) == 1

    async def test_own_messages_are_echoed_with_a_bot_id(self, lab: SlackLab, client: Client) -> None:
        await client.chat_postMessage(channel="C0GENERAL", text="mine")
        await until(lambda: any(attempt.acked_at for attempt in lab.record.delivered("message")))
        assert lab.record.delivered("message")[0].payload["event"]["bot_id"] == "B0PRIME"

    async def test_edit_fires_changed_and_a_new_mention(self, heard: Heard, bea: Person) -> None:
        ts = await bea.says("#general", "@Prime hello")
        await heard.wait_for(2)
        await bea.edits("#general", ts, "@Prime good-bye")
        bodies = (await heard.wait_for(4))[2:]
        events = {body["event"]["type"]: body["event"] for body in bodies}
        assert events["app_mention"]["edited"]["user"] == "U0BEA"
        changed = events["message"]
        assert (changed["subtype"], changed["hidden"]) == ("message_changed", True)
        assert changed["message"]["ts"] == ts
        assert changed["ts"] != ts
        assert changed["previous_message"]["text"] == "<@U0PRIME> hello"
        assert len({body["event_id"] for body in heard.bodies}) == 4

    async def test_deletion_tells_what_was_there(self, heard: Heard, bea: Person) -> None:
        ts = await bea.says("#general", "oops")
        await bea.deletes("#general", ts)
        event = (await heard.events(2))[1]
        assert (event["subtype"], event["deleted_ts"]) == ("message_deleted", ts)
        assert event["previous_message"]["text"] == "oops"

    async def test_deleted_parent_changes_into_a_tombstone(self, heard: Heard, bea: Person) -> None:
        ts = await bea.says("#general", "parent")
        await bea.says("#general", "reply", thread_ts=ts)
        await heard.wait_for(3)
        await bea.deletes("#general", ts)
        event = (await heard.events(4))[3]
        assert event["subtype"] == "message_changed"
        assert event["message"]["subtype"] == "tombstone"

    async def test_reply_names_its_thread_and_changes_the_parent(self, heard: Heard, bea: Person) -> None:
        ts = await bea.says("#general", "parent")
        await bea.says("#general", "reply", thread_ts=ts)
        events = (await heard.events(3))[1:]
        reply = next(event for event in events if "subtype" not in event)
        changed = next(event for event in events if "subtype" in event)
        assert (reply["thread_ts"], reply["parent_user_id"]) == (ts, "U0BEA")
        assert changed["message"]["reply_count"] == 1
        assert changed["message"]["text"] == changed["previous_message"]["text"]

    async def test_direct_message_is_a_message_and_no_mention(self, heard: Heard, bea: Person) -> None:
        await bea.says("app", "@Prime hello")
        await bea.says("#general", "marker")
        events = await heard.events(2)
        assert [(event["type"], event["channel_type"]) for event in events] == [
            ("message", "im"),
            ("message", "channel"),
        ]

    async def test_shared_file_is_a_file_share(self, heard: Heard, bea: Person) -> None:
        file = await bea.uploads("notes.txt", b"hello")
        await bea.says("#general", "look", file_ids=(file["id"],))
        (event,) = await heard.events(1)
        assert (event["subtype"], event["files"][0]["name"]) == ("file_share", "notes.txt")

    async def test_channel_shared_with_outsiders_says_so(self, lab: SlackLab, heard: Heard, bea: Person) -> None:
        lab.workspace.join(lab.workspace.channels["C0GLOBEX"], "U0PRIME")
        async with Person(lab.url, "U0SAM") as sam:
            file = await sam.uploads("notes.txt", b"hello")
            await sam.says("#ext-globex", "hello", file_ids=(file["id"],))
        body = (await heard.wait_for(2))[1]
        assert body["is_ext_shared_channel"] is True
        assert body["event"]["user_team"] == "T0GLOBEX"
        assert body["event"]["files"] == [
            {"id": file["id"], "mode": "file_access", "file_access": "check_file_info"},
        ]


class TestOrder:
    async def test_message_and_mention_come_in_either_order(
        self, lab: SlackLab, app: AsyncApp, heard: Heard, bea: Person
    ) -> None:
        async with connected(lab, app, Wire.SOCKET):
            for n in range(20):
                await bea.says("#general", f"@Prime {n}")
            events = await heard.events(40)
        first: dict[str, str] = {}
        for event in events:
            first.setdefault(event["ts"], event["type"])
        assert set(first.values()) == {"message", "app_mention"}


class TestSubscriptions:
    async def test_event_that_the_manifest_lacks_is_not_delivered(
        self, lab: SlackLab, app: AsyncApp, heard: Heard, bea: Person
    ) -> None:
        lab.platform.app.manifest = replace(lab.platform.app.manifest, bot_events=frozenset({"app_mention"}))
        async with connected(lab, app, Wire.SOCKET):
            await bea.says("#general", "not for you")
            await bea.says("#general", "@Prime for you")
            (event,) = await heard.events(1)
        assert event["type"] == "app_mention"
        assert len(lab.record.deliveries) == 1

    async def test_event_without_its_scope_is_not_delivered(self, lab: SlackLab, bea: Person) -> None:
        lab.platform.app.installed_scopes -= {"channels:history", "users:read"}
        await bea.says("#general", "hello")
        lab.workspace.change_person("U0NILS", title="Changed")
        assert not lab.record.deliveries


@pytest.mark.usefixtures("wired")
class TestPeopleAndGroups:
    async def test_deactivation_is_a_user_change(self, lab: SlackLab, heard: Heard) -> None:
        lab.workspace.change_person("U0NILS", deleted=True)
        (event,) = await heard.events(1)
        assert (event["type"], event["user"]["id"], event["user"]["deleted"]) == ("user_change", "U0NILS", True)
        assert "is_admin" not in event["user"]

    async def test_new_person_is_a_team_join(self, lab: SlackLab, heard: Heard) -> None:
        lab.workspace.add_person(Member(id="U0NEW", name="new", real_name="Noor New", kind="newcomer"))
        (event,) = await heard.events(1)
        assert (event["type"], event["user"]["id"]) == ("team_join", "U0NEW")

    async def test_group_change_is_told_as_delta_and_as_a_whole(self, lab: SlackLab, heard: Heard) -> None:
        lab.workspace.set_group("S0READERS", ["U0NILS"])
        events = {event["type"]: event for event in await heard.events(2)}
        delta = events["subteam_members_changed"]
        assert (delta["added_users"], delta["removed_users"]) == (["U0NILS"], ["U0RITA"])
        assert (delta["added_users_count"], delta["removed_users_count"]) == ("1", "1")
        assert events["subteam_updated"]["subteam"]["users"] == ["U0NILS"]

    async def test_people_of_a_large_group_are_cut_off(self, lab: SlackLab, heard: Heard) -> None:
        lab.workspace.set_group("S0READERS", [f"U{n}" for n in range(600)])
        events = {event["type"]: event for event in await heard.events(2)}
        whole = events["subteam_updated"]["subteam"]
        assert (len(whole["users"]), whole["user_count"]) == (500, 600)

    async def test_new_group_is_told(self, lab: SlackLab, heard: Heard) -> None:
        lab.workspace.add_group(Group(id="S0NEW", handle="new", name="New"))
        (event,) = await heard.events(1)
        assert (event["type"], event["subteam"]["handle"]) == ("subteam_created", "new")

    async def test_coming_and_going_is_told_the_app_itself_included(self, lab: SlackLab, heard: Heard) -> None:
        channel = lab.workspace.channels["C0RANDOM"]
        lab.workspace.join(channel, "U0PRIME", inviter="U0BEA")
        lab.workspace.leave(channel, "U0NILS")
        lab.workspace.leave(channel, "U0PRIME")
        events = await heard.events(3)
        assert [(event["type"], event["user"]) for event in events] == [
            ("member_joined_channel", "U0PRIME"),
            ("member_left_channel", "U0NILS"),
            ("member_left_channel", "U0PRIME"),
        ]
        assert events[0]["inviter"] == "U0BEA"

    async def test_uninstall_tells_both_and_ends_it(self, lab: SlackLab, heard: Heard, bea: Person) -> None:
        lab.uninstall()
        assert {event["type"] for event in await heard.events(2)} == {"tokens_revoked", "app_uninstalled"}
        await bea.says("#general", "hello")
        assert (await bea.types("/prime", channel="#general"))["ok"] is False
        assert len(lab.record.deliveries) == 2


class TestRedelivery:
    async def test_unacknowledged_event_comes_again_at_once_then_after_one_and_five_minutes(
        self, lab: SlackLab, app: AsyncApp, heard: Heard, bea: Person
    ) -> None:
        lab.faults.switch(FaultName.LOST_ACKS)
        async with connected(lab, app, Wire.SOCKET):
            await bea.says("#general", "hello")
            await heard.wait_for(1)
            async with asyncio.timeout(5):
                while len(heard.bodies) < 4:
                    lab.clock.jump(10)
                    await asyncio.sleep(0.005)
        assert len({body["event_id"] for body in heard.bodies}) == 1
        attempts = lab.record.delivered("message")
        waits = [later.sent_at - earlier.sent_at for earlier, later in itertools.pairwise(attempts)]
        assert all(expected <= wait <= expected + 30 for expected, wait in zip((3, 63, 303), waits, strict=True))
        assert [attempt.number for attempt in attempts] == [0, 1, 2, 3]
        assert [attempt.retry_reason for attempt in attempts] == ["", "timeout", "timeout", "timeout"]
        assert len({attempt.envelope_id for attempt in attempts}) == 4

    async def test_duplicates_on_demand(self, lab: SlackLab, app: AsyncApp, heard: Heard, bea: Person) -> None:
        lab.faults.switch(FaultName.DUPLICATE_EVENTS)
        async with connected(lab, app, Wire.SOCKET):
            await bea.says("#general", "hello")
            bodies = await heard.wait_for(2)
        assert len({body["event_id"] for body in bodies}) == 1

    async def test_losses_on_demand(self, lab: SlackLab, app: AsyncApp, heard: Heard, bea: Person) -> None:
        async with connected(lab, app, Wire.SOCKET):
            lab.faults.switch(FaultName.LOST_EVENTS)
            await bea.says("#general", "lost")
            lab.faults.switch(FaultName.LOST_EVENTS, on=False)
            await bea.says("#general", "found")
            (event,) = await heard.events(1)
        assert event["text"] == "found"

    async def test_delays_on_demand(self, lab: SlackLab, app: AsyncApp, heard: Heard, bea: Person) -> None:
        lab.faults.switch(FaultName.DELAYED_EVENTS, seconds=40)
        async with connected(lab, app, Wire.SOCKET):
            await bea.says("#general", "late")
            assert not lab.record.deliveries
            lab.clock.jump(40)
            await heard.wait_for(1)

    async def test_events_over_the_hourly_limit_are_dropped_and_the_app_is_told_once(
        self, lab: SlackLab, app: AsyncApp, heard: Heard, bea: Person
    ) -> None:
        lab.platform.events.per_hour = 2
        async with connected(lab, app, Wire.SOCKET):
            for n in range(5):
                await bea.says("#general", str(n))
            bodies = await heard.wait_for(3)
            lab.clock.jump(3601)
            await bea.says("#general", "again")
            bodies = await heard.wait_for(4)
        assert [body["type"] for body in bodies] == [
            "event_callback",
            "event_callback",
            "app_rate_limited",
            "event_callback",
        ]
