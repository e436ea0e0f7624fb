"""What a conversation in a thread asks of the lab's Slack: reading it back, what is lost, files, private words."""

import asyncio
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncApp

from lab.slack.driver import Person
from lab.slack.faults import FaultName
from lab.slack.server import SlackLab
from tests.slack_apps import Client, Wire, connected, refused, until

GENERAL = "C0GENERAL"


def texts(answer: Any) -> list[str]:
    return [message["text"] for message in answer["messages"]]


class TestReading:
    async def test_a_thread_is_read_in_pages(self, client: Client, bea: Person) -> None:
        parent = await bea.says("#general", "parent")
        for number in range(4):
            await bea.says("#general", str(number), thread_ts=parent)
        first = await client.conversations_replies(channel=GENERAL, ts=parent, limit=3)
        cursor = first["response_metadata"]["next_cursor"]
        second = await client.conversations_replies(channel=GENERAL, ts=parent, limit=3, cursor=cursor)
        assert (texts(first), first["has_more"]) == (["parent", "0", "1"], True)
        assert (texts(second), second["has_more"]) == (["2", "3"], False)

    async def test_what_is_newer_than_something_comes_after_the_parent(self, client: Client, bea: Person) -> None:
        parent = await bea.says("#general", "parent")
        seen = await bea.says("#general", "seen", thread_ts=parent)
        await bea.says("#general", "missed", thread_ts=parent)
        newer = await client.conversations_replies(channel=GENERAL, ts=parent, oldest=seen)
        with_it = await client.conversations_replies(channel=GENERAL, ts=parent, oldest=seen, inclusive=True)
        assert texts(newer) == ["parent", "missed"]
        assert texts(with_it) == ["parent", "seen", "missed"]

    async def test_metadata_of_replies_is_read_on_request_only(self, client: Client, bea: Person) -> None:
        parent = await bea.says("#general", "parent")
        metadata = {"event_type": "turn", "event_payload": {"id": 1}}
        await client.chat_postMessage(channel=GENERAL, thread_ts=parent, text="a", metadata=metadata)
        plain = await client.conversations_replies(channel=GENERAL, ts=parent)
        full = await client.conversations_replies(channel=GENERAL, ts=parent, include_all_metadata=True)
        assert "metadata" not in plain["messages"][1]
        assert full["messages"][1]["metadata"] == metadata


class TestGaps:
    async def test_what_is_said_while_nobody_is_connected_comes_later_or_never(
        self, lab: SlackLab, app: AsyncApp, client: Client, bea: Person
    ) -> None:
        heard: list[str] = []

        @app.event("message")
        async def message(event: dict[str, Any]) -> None:
            heard.append(event["text"])

        parent = await bea.says("#general", "before")
        for tries, seconds in ((2, 60), (3, 300), (4, 3600)):
            await until(lambda tries=tries: len(lab.record.delivered("message")) == tries)
            lab.clock.jump(seconds + 1)
        async with connected(lab, app, Wire.SOCKET):
            await bea.says("#general", "after", thread_ts=parent)
            await until(lambda: "after" in heard)
            assert "before" not in heard
        assert texts(await client.conversations_replies(channel=GENERAL, ts=parent)) == ["before", "after"]

    async def test_a_real_client_gets_what_was_said_in_a_short_gap(
        self, lab: SlackLab, app: AsyncApp, bea: Person
    ) -> None:
        heard = asyncio.Event()

        @app.event("message")
        async def message() -> None:
            heard.set()

        await bea.says("#general", "in between")
        await until(lambda: len(lab.record.delivered("message")) == 2)
        async with connected(lab, app, Wire.SOCKET):
            lab.clock.jump(61)
            await asyncio.wait_for(heard.wait(), 5)

    async def test_a_share_of_events_can_be_lost(self, lab: SlackLab, app: AsyncApp, bea: Person) -> None:
        @app.event("message")
        async def message() -> None: ...

        async with connected(lab, app, Wire.SOCKET):
            lab.faults.switch(FaultName.LOST_EVENTS, share=0.5)
            for number in range(30):
                await bea.says("#general", str(number))
            await until(lambda: all(one.acked_at for one in lab.record.delivered("message")))
        assert 3 <= len(lab.record.delivered("message")) <= 27


class TestFiles:
    async def test_a_file_in_a_thread_comes_with_its_prompt_and_is_read_with_the_token(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person
    ) -> None:
        shares: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        @app.event({"type": "message", "subtype": "file_share"})
        async def shared(event: dict[str, Any]) -> None:
            await shares.put(event)

        @app.event("message")
        async def message() -> None: ...

        async with connected(lab, app, wire):
            parent = await bea.says("#general", "parent")
            file = await bea.uploads("notes.md", "naïve".encode())
            await bea.says("#general", "what is this?", thread_ts=parent, file_ids=(file["id"],))
            event = await asyncio.wait_for(shares.get(), 5)
        assert (event["text"], event["thread_ts"]) == ("what is this?", parent)
        (shown,) = event["files"]
        assert (shown["name"], shown["size"], shown["mode"]) == ("notes.md", 6, "hosted")
        async with aiohttp.ClientSession() as session:
            bearer = {"Authorization": f"Bearer {lab.bot_token}"}
            async with session.get(shown["url_private"], headers=bearer) as response:
                assert await response.read() == "naïve".encode()
            async with session.get(shown["url_private"], headers={"Authorization": "Bearer other"}) as response:
                assert (response.status, response.content_type) == (200, "text/html")  # the sign-in page


class TestPrivateWords:
    async def test_stand_in_the_thread_for_one_person(self, client: Client, bea: Person, olivia: Person) -> None:
        parent = await bea.says("#general", "parent")
        await client.chat_postEphemeral(channel=GENERAL, user="U0BEA", thread_ts=parent, text="just you")
        assert (await bea.sees("just you"))["thread_ts"] == parent
        assert texts({"messages": await bea.messages("#general", thread_ts=parent)}) == ["parent", "just you"]
        assert texts({"messages": await olivia.messages("#general", thread_ts=parent)}) == ["parent"]
        assert texts(await client.conversations_replies(channel=GENERAL, ts=parent)) == ["parent"]


class TestMarkdown:
    async def test_is_limited_in_sum_and_with_all_other_text(self, client: Client) -> None:
        def blocks(markdown: int, *, other: int = 0) -> list[dict[str, Any]]:
            context = {"type": "context", "elements": [{"type": "mrkdwn", "text": "x" * other}]}
            half = {"type": "markdown", "text": "x" * (markdown // 2)}
            return [half, half, *([context] if other else [])]

        await client.chat_postMessage(channel=GENERAL, text="x", blocks=blocks(12_000, other=1_200))
        for given in (blocks(12_002), blocks(12_000, other=1_201)):
            sending = client.chat_postMessage(channel=GENERAL, text="x", blocks=given)
            assert await refused(sending) == "msg_blocks_too_long"
