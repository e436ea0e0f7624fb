"""Messages, streams and files of the lab's Slack (slack-platform.md sections 7, 9 and 16)."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError, SlackRequestError

from lab.slack.driver import Person
from lab.slack.server import SlackLab
from lab.slack.streams import CountsFrom
from tests.slack_apps import Client, refused

GENERAL = "C0GENERAL"


def section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


class TestPosting:
    async def test_ts_is_unique_and_grows_with_six_decimals(self, client: Client) -> None:
        stamps = [(await client.chat_postMessage(channel=GENERAL, text=str(n)))["ts"] for n in range(20)]
        assert stamps == sorted(set(stamps))
        assert all(len(ts.split(".")[1]) == 6 for ts in stamps)

    async def test_nothing_to_say_is_refused(self, client: Client) -> None:
        assert await refused(client.api_call("chat.postMessage", json={"channel": GENERAL, "text": ""})) == "no_text"

    async def test_text_is_cut_off_above_forty_thousand(self, client: Client) -> None:
        answer = await client.chat_postMessage(channel=GENERAL, text="x" * 40_001)
        assert len(answer["message"]["text"]) == 40_000

    async def test_blocks_without_a_block_id_get_one(self, client: Client) -> None:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}}
        blocks = [section("a"), {"type": "actions", "elements": [button]}]
        sent = (await client.chat_postMessage(channel=GENERAL, text="a", blocks=blocks))["message"]["blocks"]
        assert len({block["block_id"] for block in sent}) == 2
        assert sent[1]["elements"][0]["action_id"]

    async def test_bad_blocks_are_refused_with_a_pointer(self, client: Client) -> None:
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=GENERAL, text="a", blocks=[section("x" * 3001)])
        assert caught.value.response["error"] == "invalid_blocks"
        assert "json-pointer:" in caught.value.response["response_metadata"]["messages"][0]

    async def test_too_much_text_in_legal_blocks_has_its_own_code(self, client: Client) -> None:
        blocks = [section("x" * 3000)] * 5
        assert await refused(client.chat_postMessage(channel=GENERAL, text="a", blocks=blocks)) == "msg_blocks_too_long"

    async def test_markdown_text_stands_alone_and_is_limited(self, client: Client) -> None:
        both = client.chat_postMessage(channel=GENERAL, text="a", markdown_text="b")
        assert await refused(both) == "markdown_text_conflict"
        assert await refused(client.chat_postMessage(channel=GENERAL, markdown_text="x" * 12_001)) == "msg_too_long"
        sent = (await client.chat_postMessage(channel=GENERAL, markdown_text="# Hi"))["message"]
        assert sent["blocks"][0]["type"] == "markdown"

    async def test_too_many_attachments_are_refused(self, client: Client) -> None:
        attachments = [{"text": "a", "fallback": "a"}] * 101
        assert (
            await refused(client.chat_postMessage(channel=GENERAL, text="a", attachments=attachments))
            == "too_many_attachments"
        )

    async def test_thread_ts_must_be_the_parents(self, client: Client) -> None:
        parent = await client.chat_postMessage(channel=GENERAL, text="parent")
        reply = await client.chat_postMessage(channel=GENERAL, text="reply", thread_ts=parent["ts"])
        assert reply["message"]["parent_user_id"] == "U0PRIME"
        nested = client.chat_postMessage(channel=GENERAL, text="x", thread_ts=reply["ts"])
        assert await refused(nested) == "cannot_reply_to_message"
        nowhere = client.chat_postMessage(channel=GENERAL, text="x", thread_ts="1.000000")
        assert await refused(nowhere) == "thread_not_found"

    async def test_broadcast_reply_stands_in_the_channel_too(self, client: Client) -> None:
        parent = await client.chat_postMessage(channel=GENERAL, text="parent")
        await client.chat_postMessage(channel=GENERAL, text="all", thread_ts=parent["ts"], reply_broadcast=True)
        history = await client.conversations_history(channel=GENERAL)
        assert [message["text"] for message in history["messages"]] == ["all", "parent"]

    async def test_posting_to_a_person_opens_their_direct_message(self, client: Client) -> None:
        answer = await client.chat_postMessage(channel="U0BEA", text="psst")
        assert answer["channel"].startswith("D")

    async def test_another_name_needs_its_scope(self, client: Client) -> None:
        assert await refused(client.chat_postMessage(channel=GENERAL, text="a", username="Boss")) == "missing_scope"

    async def test_metadata_is_read_on_request_only(self, client: Client) -> None:
        metadata = {"event_type": "turn", "event_payload": {"id": 1}}
        await client.chat_postMessage(channel=GENERAL, text="a", metadata=metadata)
        plain = await client.conversations_history(channel=GENERAL)
        full = await client.conversations_history(channel=GENERAL, include_all_metadata=True)
        assert "metadata" not in plain["messages"][0]
        assert full["messages"][0]["metadata"] == metadata
        broken = client.chat_postMessage(channel=GENERAL, text="a", metadata={"event_type": "x"})
        assert await refused(broken) == "invalid_metadata_format"

    async def test_permalink_leads_to_a_message_that_exists(self, client: Client) -> None:
        sent = await client.chat_postMessage(channel=GENERAL, text="a")
        link = (await client.chat_getPermalink(channel=GENERAL, message_ts=sent["ts"]))["permalink"]
        assert link.endswith(f"/archives/{GENERAL}/p{sent['ts'].replace('.', '')}")
        assert await refused(client.chat_getPermalink(channel=GENERAL, message_ts="1.000000")) == "message_not_found"


class TestUpdating:
    async def test_text_without_blocks_removes_the_blocks(self, client: Client) -> None:
        sent = await client.chat_postMessage(channel=GENERAL, text="a", blocks=[section("a")])
        updated = await client.chat_update(channel=GENERAL, ts=sent["ts"], text="b")
        assert "blocks" not in updated["message"]

    async def test_blocks_without_text_keep_the_text(self, client: Client) -> None:
        sent = await client.chat_postMessage(channel=GENERAL, text="kept")
        change = {"channel": GENERAL, "ts": sent["ts"], "blocks": [section("new")]}
        updated = await client.api_call("chat.update", json=change)
        assert updated["message"]["text"] == "kept"
        assert updated["message"]["blocks"][0]["text"]["text"] == "new"

    async def test_attachments_alone_keep_the_blocks(self, client: Client) -> None:
        sent = await client.chat_postMessage(channel=GENERAL, text="kept", blocks=[section("kept")])
        change = {"channel": GENERAL, "ts": sent["ts"], "attachments": [{"text": "more"}]}
        updated = (await client.api_call("chat.update", json=change))["message"]
        assert (len(updated["blocks"]), len(updated["attachments"])) == (1, 1)

    async def test_edited_shows_only_when_the_text_changes(self, client: Client) -> None:
        sent = await client.chat_postMessage(channel=GENERAL, text="a")
        blocks_only = await client.chat_update(channel=GENERAL, ts=sent["ts"], text="a", blocks=[section("x")])
        assert "edited" not in blocks_only["message"]
        assert "edited" in (await client.chat_update(channel=GENERAL, ts=sent["ts"], text="b"))["message"]

    async def test_metadata_stays_until_it_is_emptied(self, client: Client) -> None:
        metadata = {"event_type": "turn", "event_payload": {}}
        sent = await client.chat_postMessage(channel=GENERAL, text="a", metadata=metadata)
        kept = await client.chat_update(channel=GENERAL, ts=sent["ts"], text="b")
        assert kept["message"]["metadata"] == metadata
        assert (
            "metadata"
            not in (await client.chat_update(channel=GENERAL, ts=sent["ts"], text="c", metadata={}))["message"]
        )

    async def test_text_over_four_thousand_is_too_long(self, client: Client) -> None:
        sent = await client.chat_postMessage(channel=GENERAL, text="a")
        assert await refused(client.chat_update(channel=GENERAL, ts=sent["ts"], text="x" * 4001)) == "msg_too_long"

    async def test_only_own_messages_can_be_changed(self, client: Client, bea: Person) -> None:
        ts = await bea.says("#general", "mine")
        assert await refused(client.chat_update(channel=GENERAL, ts=ts, text="x")) == "cant_update_message"
        assert await refused(client.chat_delete(channel=GENERAL, ts=ts)) == "cant_delete_message"
        assert await refused(client.chat_update(channel=GENERAL, ts="1.000000", text="x")) == "message_not_found"

    async def test_a_direct_message_is_named_by_its_own_id(self, client: Client) -> None:
        sent = await client.chat_postMessage(channel="U0BEA", text="a")
        assert await refused(client.chat_update(channel="U0BEA", ts=sent["ts"], text="b")) == "channel_not_found"
        assert (await client.chat_update(channel=sent["channel"], ts=sent["ts"], text="b"))["ok"]

    async def test_deleted_parent_with_replies_becomes_a_tombstone(self, client: Client, bea: Person) -> None:
        parent = await client.chat_postMessage(channel=GENERAL, text="parent")
        await client.chat_postMessage(channel=GENERAL, text="reply", thread_ts=parent["ts"])
        await client.chat_delete(channel=GENERAL, ts=parent["ts"])
        shown = await bea.sees(lambda message: message.get("tombstone") is True)
        assert shown["ts"] == parent["ts"]
        assert shown["reply_count"] == 1


class TestEphemeral:
    async def test_is_seen_by_one_person_alone(self, client: Client, bea: Person, olivia: Person) -> None:
        await client.chat_postEphemeral(channel=GENERAL, user="U0BEA", text="just you")
        assert (await bea.sees("just you"))["ephemeral"] is True
        assert all(message["text"] != "just you" for message in await olivia.messages("#general"))

    async def test_is_neither_updated_nor_deleted_nor_kept(self, client: Client) -> None:
        ts = (await client.chat_postEphemeral(channel=GENERAL, user="U0BEA", text="a"))["message_ts"]
        assert await refused(client.chat_update(channel=GENERAL, ts=ts, text="b")) == "message_not_found"
        assert await refused(client.chat_delete(channel=GENERAL, ts=ts)) == "message_not_found"
        assert (await client.conversations_history(channel=GENERAL))["messages"] == []

    async def test_goes_to_members_only(self, client: Client) -> None:
        assert (
            await refused(client.chat_postEphemeral(channel=GENERAL, user="U0GUS", text="a")) == "user_not_in_channel"
        )
        assert await refused(client.chat_postEphemeral(channel="C0RANDOM", user="U0BEA", text="a")) == "not_in_channel"


class TestStreaming:
    async def start(self, client: Client, **arguments: str) -> str:
        parent = await client.chat_postMessage(channel=GENERAL, text="question")
        answer = await client.chat_startStream(
            channel=GENERAL,
            thread_ts=parent["ts"],
            recipient_user_id="U0BEA",
            recipient_team_id="T0ACME",
            **arguments,
        )
        return answer["ts"]

    async def test_text_grows_and_ends_with_blocks(self, client: Client, bea: Person) -> None:
        ts = await self.start(client, markdown_text="one ")
        await client.chat_appendStream(channel=GENERAL, ts=ts, markdown_text="two ")
        await bea.sees("one two ")
        done = await client.chat_stopStream(channel=GENERAL, ts=ts, markdown_text="three", blocks=[section("end")])
        assert done["message"]["text"] == "one two three"
        assert [block["type"] for block in done["message"]["blocks"]] == ["markdown", "section"]

    async def test_the_sdks_own_helper_works_with_chunks_alone(self, client: Client) -> None:
        parent = await client.chat_postMessage(channel=GENERAL, text="question")
        stream = await client.chat_stream(
            channel=GENERAL,
            thread_ts=parent["ts"],
            recipient_user_id="U0BEA",
            recipient_team_id="T0ACME",
            buffer_size=4,
        )
        await stream.append(markdown_text="hello ")
        await stream.append(markdown_text="you")
        assert (await stream.stop())["message"]["text"] == "hello you"
        with pytest.raises(SlackRequestError):
            await stream.append(markdown_text="more")

    async def test_tasks_are_cards_that_change_in_place(self, client: Client) -> None:
        ts = await self.start(client)
        for status in ("in_progress", "complete"):
            chunk = {"type": "task_update", "id": "t1", "title": "Load", "status": status}
            await client.chat_appendStream(channel=GENERAL, ts=ts, chunks=[chunk])
        cards = (await client.chat_stopStream(channel=GENERAL, ts=ts))["message"]["blocks"]
        assert [(card["task_id"], card["status"]) for card in cards] == [("t1", "complete")]

    async def test_a_plan_holds_its_tasks(self, client: Client) -> None:
        ts = await self.start(client, task_display_mode="plan")
        chunks = [
            {"type": "plan_update", "title": "Plan"},
            {"type": "task_update", "id": "t1", "title": "Load", "status": "pending"},
        ]
        await client.chat_appendStream(channel=GENERAL, ts=ts, chunks=chunks)
        (plan,) = (await client.chat_stopStream(channel=GENERAL, ts=ts))["message"]["blocks"]
        assert (plan["title"], plan["tasks"][0]["title"]) == ("Plan", "Load")

    async def test_channels_need_a_recipient(self, client: Client) -> None:
        parent = await client.chat_postMessage(channel=GENERAL, text="question")
        start = client.chat_startStream(channel=GENERAL, thread_ts=parent["ts"])
        assert await refused(start) == "missing_recipient_user_id"
        start = client.chat_startStream(channel=GENERAL, thread_ts=parent["ts"], recipient_user_id="U0BEA")
        assert await refused(start) == "missing_recipient_team_id"

    async def test_direct_messages_need_a_thread(self, client: Client) -> None:
        sent = await client.chat_postMessage(channel="U0BEA", text="question")
        assert (
            await refused(client.api_call("chat.startStream", json={"channel": sent["channel"]})) == "invalid_arguments"
        )
        assert (await client.chat_startStream(channel=sent["channel"], thread_ts=sent["ts"]))["ok"]

    async def test_update_conflicts_while_streaming(self, client: Client) -> None:
        ts = await self.start(client)
        assert await refused(client.chat_update(channel=GENERAL, ts=ts, text="x")) == "streaming_state_conflict"
        await client.chat_stopStream(channel=GENERAL, ts=ts)
        assert (await client.chat_update(channel=GENERAL, ts=ts, text="x"))["ok"]

    async def test_only_the_owner_appends(self, client: Client, bea: Person) -> None:
        ts = await bea.says("#general", "mine")
        append = client.chat_appendStream(channel=GENERAL, ts=ts, markdown_text="x")
        assert await refused(append) == "message_not_owned_by_app"

    async def test_a_finished_stream_takes_no_more(self, client: Client) -> None:
        ts = await self.start(client)
        await client.chat_stopStream(channel=GENERAL, ts=ts)
        append = client.chat_appendStream(channel=GENERAL, ts=ts, markdown_text="x")
        assert await refused(append) == "message_not_in_streaming_state"

    async def test_bad_chunks_add_nothing(self, client: Client) -> None:
        ts = await self.start(client, markdown_text="a")
        chunks = [{"type": "markdown_text", "text": "b"}, {"type": "nonsense"}]
        assert await refused(client.chat_appendStream(channel=GENERAL, ts=ts, chunks=chunks)) == "invalid_chunks"
        assert (await client.chat_stopStream(channel=GENERAL, ts=ts))["message"]["text"] == "a"

    async def test_after_the_persons_stop_appends_are_refused(self, lab: SlackLab, client: Client) -> None:
        ts = await self.start(client)
        lab.streams.stop_by_user(GENERAL, ts)
        assert await refused(client.chat_appendStream(channel=GENERAL, ts=ts, markdown_text="x")) == "stopped_by_user"

    async def test_dies_after_five_minutes_in_all(self, lab: SlackLab, client: Client) -> None:
        ts = await self.start(client, markdown_text="half")
        lab.clock.jump(200)
        await client.chat_appendStream(channel=GENERAL, ts=ts, markdown_text=" an answer")
        lab.clock.jump(101)
        for call in (
            client.chat_appendStream(channel=GENERAL, ts=ts, markdown_text="x"),
            client.chat_stopStream(channel=GENERAL, ts=ts),
        ):
            assert await refused(call) == "message_not_in_streaming_state"
        rescued = await client.chat_update(channel=GENERAL, ts=ts, text="half an answer and the rest")
        assert rescued["message"]["text"] == "half an answer and the rest"

    async def test_or_dies_of_idleness(self, lab: SlackLab, client: Client) -> None:
        lab.streams.counts_from = CountsFrom.LAST_APPEND
        ts = await self.start(client)
        for _ in range(3):
            lab.clock.jump(200)
            await client.chat_appendStream(channel=GENERAL, ts=ts, markdown_text="x")
        lab.clock.jump(301)
        stop = client.chat_stopStream(channel=GENERAL, ts=ts)
        assert await refused(stop) == "message_not_in_streaming_state"


class TestPeoplesText:
    async def test_is_escaped_with_references_and_a_rich_text_block(self, lab: SlackLab, bea: Person) -> None:
        ts = await bea.says("#general", "@nils see #random & <b>")
        message = lab.workspace.channels[GENERAL].messages[ts]
        assert message["text"] == "<@U0NILS> see <#C0RANDOM|random> &amp; &lt;b&gt;"
        assert message["blocks"][0]["type"] == "rich_text"
        assert message["client_msg_id"]


class TestFiles:
    async def test_upload_in_three_steps_is_shared_and_read_back(
        self, lab: SlackLab, client: Client, bea: Person
    ) -> None:
        answer = await client.files_upload_v2(
            content="print(1)\n", filename="one.py", title="One", channel=GENERAL, initial_comment="here"
        )
        shown = await bea.sees("here")
        assert shown["files"][0]["id"] == answer["file"]["id"]
        info = (await client.files_info(file=answer["file"]["id"]))["file"]
        assert (info["name"], info["title"], info["size"]) == ("one.py", "One", 9)
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {lab.bot_token}"}) as session,
            session.get(info["url_private"]) as response,
        ):
            assert await response.text() == "print(1)\n"

    async def test_private_url_without_a_token_leads_to_the_sign_in(self, lab: SlackLab, client: Client) -> None:
        file = (await client.files_upload_v2(content="secret", filename="a.txt", channel=GENERAL))["file"]
        url = file["url_private"]
        async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as response:
            assert response.status == 302

    async def test_upload_of_another_length_is_refused(self, client: Client) -> None:
        step = await client.files_getUploadURLExternal(filename="a.txt", length=5)
        url = step["upload_url"]
        async with aiohttp.ClientSession() as session, session.post(url, data=b"too long") as response:
            assert response.status == 400
        complete = client.files_completeUploadExternal(files=[{"id": step["file_id"], "title": "a"}])
        assert await refused(complete) == "file_not_found"

    async def test_peoples_files_are_seen_where_the_app_is(self, client: Client, bea: Person) -> None:
        file = await bea.uploads("notes.txt", b"hello")
        assert await refused(client.files_info(file=file["id"])) == "file_not_found"
        await bea.says("#random", "look", file_ids=(file["id"],))
        assert await refused(client.files_info(file=file["id"])) == "file_not_found"
        await bea.says("#general", "look", file_ids=(file["id"],))
        assert (await client.files_info(file=file["id"]))["file"]["channels"] == ["C0RANDOM", "C0GENERAL"]
