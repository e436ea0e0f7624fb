"""The page's API: what a person's client sees and does (lab/slack/README.md)."""

from typing import Any

import aiohttp
import pytest

from lab.slack.driver import Person
from lab.slack.server import SlackLab
from tests.slack_apps import Client, until


async def get(lab: SlackLab, path: str) -> dict[str, Any]:
    async with aiohttp.ClientSession(lab.url) as session, session.get(f"/lab/{path}") as response:
        return await response.json()


async def post(lab: SlackLab, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession(lab.url) as session, session.post(f"/lab/{path}", json=body) as response:
        return response.status, await response.json()


class TestBoot:
    async def test_brings_all_that_the_page_needs(self, lab: SlackLab) -> None:
        boot = await get(lab, "boot?as=U0BEA")
        assert boot.keys() == {"me", "people", "channels", "app", "faults", "groups"}
        assert boot["app"]["commands"][0] == {
            "command": "/prime",
            "description": "Drive Prime",
            "usage_hint": "help",
        }
        assert [shortcut["callback_id"] for shortcut in boot["app"]["message_shortcuts"]] == ["ask_about_message"]
        assert boot["app"]["connected"] is False
        kinds = {person["kind"] for person in boot["people"]}
        assert {"workspace owner", "workspace admin", "builder", "reader", "newcomer", "guest"} <= kinds

    @pytest.mark.parametrize(
        ("user", "seen"),
        [
            ("U0OLIVIA", {"general", "ml-platform", "prime-approvals", "random", "leads", "ext-globex", ""}),
            ("U0NILS", {"general", "ml-platform", "prime-approvals", "random", "ext-globex", ""}),
            ("U0GUS", {"ml-platform", ""}),
            ("U0SAM", {"ext-globex", ""}),
        ],
    )
    async def test_shows_each_person_their_channels(self, lab: SlackLab, user: str, seen: set[str]) -> None:
        boot = await get(lab, f"boot?as={user}")
        assert {channel["name"] for channel in boot["channels"]} == seen
        assert [channel["kind"] for channel in boot["channels"]].count("app") == 1

    async def test_direct_messages_of_others_are_not_seen(self, lab: SlackLab) -> None:
        status, answer = await post(lab, "dms", **{"as": "U0BEA", "user": "U0RITA"})
        assert status == 200
        assert answer["channel"]["user"] == "U0RITA"
        others = await get(lab, "boot?as=U0OLIVIA")
        assert answer["channel"]["id"] not in {channel["id"] for channel in others["channels"]}


class TestTalking:
    async def test_everyone_in_the_channel_sees_it_live(self, bea: Person, olivia: Person) -> None:
        ts = await bea.says("#general", "hello")
        assert (await olivia.sees("hello"))["ts"] == ts
        await bea.edits("#general", ts, "good-bye")
        assert (await olivia.sees("good-bye"))["edited"]["user"] == "U0BEA"
        await bea.deletes("#general", ts)
        await until(lambda: ("C0GENERAL", ts) not in olivia.screen.messages)

    async def test_replies_stand_in_their_thread_and_are_counted(self, bea: Person, olivia: Person) -> None:
        ts = await bea.says("#general", "question")
        await olivia.says("#general", "answer", thread_ts=ts)
        await bea.sees(lambda message: message.get("reply_count") == 1)
        assert [message["text"] for message in await bea.messages("#general")] == ["question"]
        thread = await bea.messages("#general", thread_ts=ts)
        assert [message["text"] for message in thread] == ["question", "answer"]

    async def test_unread_and_mentions_count_until_read(self, lab: SlackLab, bea: Person, olivia: Person) -> None:
        await bea.says("#general", "one")
        ts = await bea.says("#general", "two @olivia")
        await olivia.sees("two")
        await until(lambda: counts(olivia) == (2, 1))
        await post(lab, "read", **{"as": "U0OLIVIA", "channel": "C0GENERAL", "ts": ts})
        await until(lambda: counts(olivia) == (0, 0))
        assert counts(bea) == (0, 0), "one's own messages are read"

    async def test_groups_and_here_call_people_too(self, bea: Person, olivia: Person) -> None:
        await olivia.says("#general", "@ml-builders please")
        await olivia.says("#general", "@here please")
        await until(lambda: counts(bea) == (2, 2))

    async def test_only_own_messages_are_edited(self, lab: SlackLab, bea: Person) -> None:
        ts = await bea.says("#general", "mine")
        body = {"as": "U0OLIVIA", "channel": "C0GENERAL", "ts": ts, "text": "yours"}
        async with aiohttp.ClientSession(lab.url) as session, session.patch("/lab/messages", json=body) as response:
            assert response.status == 400
            assert (await response.json())["error"] == "cant_update_message"

    async def test_channel_that_one_is_not_in_takes_no_words(self, lab: SlackLab) -> None:
        status, answer = await post(lab, "messages", **{"as": "U0NILS", "channel": "C0APPROVALS", "text": "hi"})
        assert (status, answer["error"]) == (400, "not_in_channel")
        status, answer = await post(lab, "messages", **{"as": "U0NILS", "channel": "C0LEADS", "text": "hi"})
        assert (status, answer["error"]) == (400, "channel_not_found")

    async def test_a_read_only_app_takes_no_messages(self, lab: SlackLab, bea: Person) -> None:
        manifest = lab.platform.app.manifest
        lab.platform.app.manifest = type(manifest)(name="Prime", messages_tab_enabled=True, messages_tab_read_only=True)
        body = {"as": "U0BEA", "channel": bea.channel("app"), "text": "hi"}
        assert (await post(lab, "messages", **body))[1]["error"] == "messages_tab_disabled"

    async def test_files_are_downloaded_as_data(self, lab: SlackLab, bea: Person) -> None:
        file = await bea.uploads("evil.html", b"<script>")
        url = f"{lab.url}/lab/files/{file['id']}?as=U0BEA"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert await response.read() == b"<script>"
            assert response.headers["Content-Disposition"] == "attachment"
            assert response.content_type == "application/octet-stream"


class TestLevers:
    async def test_people_groups_members_and_faults_are_changed(self, lab: SlackLab) -> None:
        assert (await post(lab, "people", user="U0NILS", is_admin=True))[0] == 200
        assert lab.workspace.people["U0NILS"].is_admin
        assert (await post(lab, "groups", group="S0READERS", users=["U0NILS"]))[0] == 200
        assert lab.workspace.groups["S0READERS"].users == ["U0NILS"]
        assert (await post(lab, "members", channel="C0RANDOM", user="U0PRIME", present=True))[0] == 200
        assert "U0PRIME" in lab.workspace.channels["C0RANDOM"].members
        _, answer = await post(lab, "faults", name="slow API", on=True, seconds=1)
        assert [fault["name"] for fault in answer["faults"] if fault["on"]] == ["slow API"]

    async def test_nonsense_is_refused_with_a_sentence(self, lab: SlackLab) -> None:
        for path, body in (
            ("faults", {"name": "earthquake", "on": True}),
            ("messages", {}),
            ("home", {"as": "U0NOBODY"}),
        ):
            status, answer = await post(lab, path, **body)
            assert status == 400
            assert answer["error"]
            assert answer["message"].endswith(".")


class TestDriver:
    async def test_says_what_it_saw_instead(self, bea: Person) -> None:
        await bea.says("#general", "hello")
        await bea.sees("hello")
        with pytest.raises(AssertionError, match="hello"):
            await bea.sees("good-bye", within_seconds=0.01)

    async def test_names_what_it_cannot_find(self, client: Client, bea: Person) -> None:
        await client.chat_postMessage(channel="C0GENERAL", text="no button here")
        await bea.sees("no button here")
        with pytest.raises(AssertionError, match="Approve"):
            await bea.presses("Approve")

    async def test_sees_on_entering_what_was_said_before(self, lab: SlackLab, bea: Person) -> None:
        await bea.says("#general", "early")
        async with Person(lab.url, "U0RITA") as rita:
            await rita.sees("early", within_seconds=0.1)


def counts(person: Person) -> tuple[int, int]:
    channel = person.screen.channels["C0GENERAL"]
    return channel["unread"], channel["mentions"]
