"""Commands, elements, modals, shortcuts and response URLs, with a real Bolt app over both transports."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from lab.slack.driver import Person
from lab.slack.server import SlackLab
from tests.slack_apps import Client, Wire, connected, refused

Json = dict[str, Any]


def text(words: str) -> Json:
    return {"type": "plain_text", "text": words}


def modal(*blocks: Json, title: str = "Form", **more: Any) -> Json:
    return {"type": "modal", "title": text(title), "submit": text("Go"), "blocks": list(blocks), **more}


def typed(label: str, *, block_id: str, **more: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": "text"}
    return {"type": "input", "block_id": block_id, "label": text(label), "element": element, **more}


def select(label: str, *options: str, block_id: str, **more: Any) -> Json:
    element = {
        "type": "static_select",
        "action_id": "choice",
        "placeholder": text("Choose"),
        "options": [{"text": text(option), "value": option.lower()} for option in options],
    }
    return {"type": "input", "block_id": block_id, "label": text(label), "element": element, **more}


def button(words: str, action_id: str, **more: Any) -> Json:
    return {"type": "actions", "elements": [{"type": "button", "text": text(words), "action_id": action_id, **more}]}


@pytest.fixture
async def triggers(lab: SlackLab, app: AsyncApp, bea: Person) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Gives fresh trigger ids, from commands that Bea types."""
    received: list[str] = []

    @app.command("/prime")
    async def take(ack: Any, command: Json) -> None:
        received.append(command["trigger_id"])
        await ack()

    async def fresh() -> str:
        assert (await bea.types("/prime", channel="#random"))["ok"]
        return received[-1]

    async with connected(lab, app, Wire.SOCKET):
        yield fresh


class TestCommands:
    async def test_arrive_with_references_and_are_answered_privately(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person, olivia: Person
    ) -> None:
        seen: list[Json] = []

        @app.command("/prime")
        async def take(ack: Any, command: Json) -> None:
            seen.append(command)
            await ack("Done")

        async with connected(lab, app, wire):
            assert await bea.types("/prime grant @nils <READ>", channel="#random") == {"ok": True}
            assert (await bea.sees("Done"))["ephemeral"] is True
        (command,) = seen
        assert command["text"] == "grant <@U0NILS> &lt;READ&gt;"
        assert (command["user_id"], command["channel_id"], command["channel_name"]) == ("U0BEA", "C0RANDOM", "random")
        assert command["is_enterprise_install"] in (False, "false")
        assert "thread_ts" not in command
        assert await olivia.messages("#random") == []

    async def test_text_is_left_as_typed_without_should_escape(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person
    ) -> None:
        seen: list[str] = []

        @app.command("/raw")
        async def take(ack: Any, command: Json) -> None:
            seen.append(command["text"])
            await ack()

        async with connected(lab, app, wire):
            await bea.types("/raw @nils <b>", channel="#random")
        assert seen == ["@nils <b>"]

    async def test_in_channel_answer_shows_the_command_to_all(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person, olivia: Person
    ) -> None:
        @app.command("/prime")
        async def take(ack: Any) -> None:
            await ack(text="For all", response_type="in_channel")

        async with connected(lab, app, wire):
            await bea.types("/prime hello", channel="#general")
        shown = [message["text"] for message in await olivia.messages("#general")]
        assert shown == ["/prime hello", "For all"]

    async def test_without_acknowledgement_the_person_sees_a_timeout(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person
    ) -> None:
        arrived = asyncio.Event()

        @app.command("/prime")
        async def take() -> None:
            arrived.set()
            await asyncio.Event().wait()

        async with connected(lab, app, wire):
            waiting = asyncio.create_task(bea.types("/prime", channel="#random"))
            await arrived.wait()
            lab.clock.jump(3.1)
            answer = await waiting
        assert (answer["ok"], answer["error"]) == (False, "operation_timeout")

    async def test_without_an_app_the_person_is_told(self, bea: Person) -> None:
        answer = await bea.types("/prime", channel="#random")
        assert (answer["ok"], answer["error"]) == (False, "dispatch_failed")

    async def test_are_refused_in_threads(self, lab: SlackLab, bea: Person) -> None:
        ts = await bea.says("#general", "parent")
        answer = await bea.types("/prime", channel="#general", thread_ts=ts)
        assert answer["error"] == "not_in_thread"
        assert lab.record.delivered("/prime") == []

    async def test_that_the_manifest_lacks_are_not_delivered(self, lab: SlackLab, bea: Person) -> None:
        assert (await bea.types("/other", channel="#general"))["error"] == "unknown_command"
        assert not lab.record.deliveries

    async def test_work_where_the_app_is_not_a_member(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, olivia: Person
    ) -> None:
        @app.command("/prime")
        async def take(ack: Any, command: Json, client: Client, respond: Any) -> None:
            await ack()
            await client.views_open(trigger_id=command["trigger_id"], view=modal(typed("A", block_id="a")))
            await respond("And an answer")

        async with connected(lab, app, wire):
            await olivia.types("/prime", channel="#leads")
            await olivia.sees_modal("Form")
            assert (await olivia.sees("And an answer"))["channel"] == "C0LEADS"

    async def test_unusable_answer_is_said_to_be_so(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person
    ) -> None:
        @app.command("/prime")
        async def take(ack: Any) -> None:
            await ack(text="x", blocks=[{"type": "nonsense"}])

        async with connected(lab, app, wire):
            assert (await bea.types("/prime", channel="#random"))["error"] == "invalid_command_response"


class TestTriggers:
    async def test_opens_one_view_only(
        self, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person
    ) -> None:
        trigger_id = await triggers()
        await client.views_open(trigger_id=trigger_id, view=modal(typed("A", block_id="a")))
        again = client.views_open(trigger_id=trigger_id, view=modal(typed("A", block_id="a")))
        assert await refused(again) == "exchanged_trigger_id"
        await bea.sees_modal("Form")

    async def test_is_good_for_three_seconds(
        self, lab: SlackLab, client: Client, triggers: Callable[[], Awaitable[str]]
    ) -> None:
        trigger_id = await triggers()
        lab.clock.jump(3.1)
        late = client.views_open(trigger_id=trigger_id, view=modal(typed("A", block_id="a")))
        assert await refused(late) == "expired_trigger_id"

    async def test_cannot_be_made_up(self, client: Client) -> None:
        view = modal(typed("A", block_id="a"))
        assert await refused(client.views_open(trigger_id="1.2.abc", view=view)) == "invalid_trigger_id"

    async def test_from_outside_a_modal_pushes_nothing(
        self, client: Client, triggers: Callable[[], Awaitable[str]]
    ) -> None:
        push = client.views_push(trigger_id=await triggers(), view=modal(typed("A", block_id="a")))
        assert await refused(push) == "invalid_trigger_id"

    async def test_survives_a_refused_view(self, client: Client, triggers: Callable[[], Awaitable[str]]) -> None:
        trigger_id = await triggers()
        without_submit = {"type": "modal", "title": text("T"), "blocks": [typed("A", block_id="a")]}
        with pytest.raises(SlackApiError) as caught:
            await client.views_open(trigger_id=trigger_id, view=without_submit)
        assert "json-pointer:" in caught.value.response["response_metadata"]["messages"][0]
        assert (await client.views_open(trigger_id=trigger_id, view=modal(typed("A", block_id="a"))))["ok"]


class TestModals:
    async def open(self, client: Client, trigger_id: str, view: Json) -> Json:
        return (await client.views_open(trigger_id=trigger_id, view=view))["view"]

    async def test_what_was_typed_is_submitted_and_an_empty_answer_closes(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person
    ) -> None:
        submitted: list[Json] = []

        @app.command("/prime")
        async def take(ack: Any, command: Json, client: Client) -> None:
            await ack()
            view = modal(
                typed("Reason", block_id="why"),
                select("Role", "Read", "Write", block_id="role", optional=True),
                callback_id="ask",
                private_metadata="m",
            )
            await client.views_open(trigger_id=command["trigger_id"], view=view)

        @app.view("ask")
        async def submit(ack: Any, view: Json) -> None:
            submitted.append(view)
            await ack()

        async with connected(lab, app, wire):
            await bea.types("/prime", channel="#random")
            await bea.sees_modal("Form")
            await bea.fills("Reason", "because")
            assert await bea.submits() == {"ok": True}
            await bea.sees_no_modal()
        (view,) = submitted
        assert view["private_metadata"] == "m"
        assert view["state"]["values"] == {
            "why": {"text": {"type": "plain_text_input", "value": "because"}},
            "role": {"choice": {"type": "static_select", "selected_option": None}},
        }

    async def test_a_file_in_a_form_is_shown_to_the_app_once_it_is_submitted(
        self,
        lab: SlackLab,
        app: AsyncApp,
        client: Client,
        triggers: Callable[[], Awaitable[str]],
        bea: Person,
        olivia: Person,
    ) -> None:
        submitted: list[Json] = []

        @app.view("list")
        async def submit(ack: Any, view: Json) -> None:
            submitted.append(view)
            await ack()

        element = {"type": "file_input", "action_id": "files", "filetypes": ["txt"], "max_files": 1}
        block = {"type": "input", "block_id": "list", "label": text("List"), "element": element}
        await self.open(client, await triggers(), modal(block, callback_id="list"))
        await bea.sees_modal("Form")
        file, picture = await bea.uploads("list.txt", b"one\ntwo"), await bea.uploads("list.png", b"png")
        for wrong in ([], [picture], [file, file]):
            await bea.attaches("List", *wrong)
            assert (await bea.submits())["errors"].keys() == {"list"}
        await bea.attaches("List", await olivia.uploads("theirs.txt", b"secret"))
        with pytest.raises(AssertionError, match="file_not_found"):
            await bea.submits()
        await bea.attaches("List", file)
        with pytest.raises(SlackApiError, match="file_not_found"):
            await client.files_info(file=file["id"])

        assert await bea.submits() == {"ok": True}

        [given] = submitted[0]["state"]["values"]["list"]["files"]["files"]
        assert (given["id"], given["name"], given["mimetype"]) == (file["id"], "list.txt", "text/plain")
        assert (await client.files_info(file=file["id"]))["file"]["size"] == 7
        headers = {"Authorization": f"Bearer {lab.bot_token}"}
        async with aiohttp.ClientSession() as session, session.get(given["url_private"], headers=headers) as answer:
            assert await answer.read() == b"one\ntwo"

    @pytest.mark.parametrize("action", ["errors", "update", "push", "clear"])
    async def test_each_response_action_does_its_thing(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person, action: str
    ) -> None:
        answers: dict[str, Json] = {
            "errors": {"errors": {"a": "Not so"}},
            "update": {"view": modal(typed("B", block_id="b"), title="Second")},
            "push": {"view": modal(typed("B", block_id="b"), title="Second")},
            "clear": {},
        }

        @app.command("/prime")
        async def take(ack: Any, command: Json, client: Client) -> None:
            await ack()
            view = modal(typed("A", block_id="a"), callback_id="form")
            await client.views_open(trigger_id=command["trigger_id"], view=view)

        @app.view("form")
        async def submit(ack: Any) -> None:
            await ack(response_action=action, **answers[action])

        async with connected(lab, app, wire):
            await bea.types("/prime", channel="#random")
            await bea.sees_modal("Form")
            await bea.fills("A", "x")
            answer = await bea.submits()
            if action == "errors":
                assert answer == {"ok": False, "errors": {"a": "Not so"}}
            elif action == "clear":
                await bea.sees_no_modal()
            else:
                await bea.sees_modal("Second")
                assert len(bea.screen.modals) == (2 if action == "push" else 1)

    async def test_errors_must_name_input_blocks(
        self, lab: SlackLab, app: AsyncApp, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person
    ) -> None:
        @app.view("form")
        async def submit(ack: Any) -> None:
            await ack(response_action="errors", errors={"elsewhere": "Not so"})

        await self.open(client, await triggers(), modal(typed("A", block_id="a"), callback_id="form"))
        await bea.sees_modal("Form")
        await bea.fills("A", "x")
        answer = await bea.submits()
        assert answer["ok"] is False
        assert "trouble" in answer["message"]
        assert bea.modal is not None

    async def test_an_empty_required_input_is_not_sent_at_all(
        self, lab: SlackLab, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person
    ) -> None:
        await self.open(client, await triggers(), modal(typed("A", block_id="a")))
        await bea.sees_modal("Form")
        assert (await bea.submits())["errors"].keys() == {"a"}
        assert lab.record.delivered("view_submission") == []

    async def test_without_acknowledgement_the_form_says_so_and_stays(
        self, lab: SlackLab, app: AsyncApp, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person
    ) -> None:
        arrived = asyncio.Event()

        @app.view("form")
        async def submit() -> None:
            arrived.set()
            await asyncio.Event().wait()

        await self.open(client, await triggers(), modal(typed("A", block_id="a"), callback_id="form"))
        await bea.sees_modal("Form")
        await bea.fills("A", "x")
        waiting = asyncio.create_task(bea.submits())
        await arrived.wait()
        lab.clock.jump(3.1)
        assert (await waiting)["error"] == "operation_timeout"
        assert bea.modal is not None

    async def test_stack_holds_three_views(
        self, lab: SlackLab, app: AsyncApp, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person
    ) -> None:
        outcomes: list[str] = []

        @app.action("deeper")
        async def push(ack: Any, body: Json) -> None:
            try:
                await client.views_push(trigger_id=body["trigger_id"], view=modal(button("Deeper", "deeper")))
                outcomes.append("pushed")
            except SlackApiError as error:
                outcomes.append(error.response["error"])
            await ack()

        root = await self.open(client, await triggers(), modal(button("Deeper", "deeper")))
        await bea.sees_modal()
        for depth in (2, 3, 3):
            await bea.presses("Deeper")
            await bea.sees(lambda _, depth=depth: len(bea.screen.modals) == depth)
        assert outcomes == ["pushed", "pushed", "push_limit_reached"]
        assert bea.modal is not None
        assert bea.modal["root_view_id"] == root["id"]
        assert bea.modal["previous_view_id"] == bea.screen.modals[-2]["id"]

    async def test_a_stale_hash_is_refused(self, client: Client, triggers: Callable[[], Awaitable[str]]) -> None:
        view = await self.open(client, await triggers(), modal(typed("A", block_id="a")))
        fresh = await client.views_update(view_id=view["id"], hash=view["hash"], view=modal(typed("B", block_id="b")))
        stale = client.views_update(view_id=view["id"], hash=view["hash"], view=modal(typed("C", block_id="c")))
        assert await refused(stale) == "hash_conflict"
        assert fresh["view"]["hash"] != view["hash"]

    async def test_external_id_names_a_view_and_is_unique(
        self, client: Client, triggers: Callable[[], Awaitable[str]], olivia: Person
    ) -> None:
        named = modal(typed("A", block_id="a"), external_id="mine")
        view = await self.open(client, await triggers(), named)
        updated = await client.views_update(external_id="mine", view=named)
        assert updated["view"]["id"] == view["id"]
        assert await refused(client.views_open(trigger_id=await triggers(), view=named)) == "duplicate_external_id"

    async def test_closed_view_is_not_found(
        self, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person
    ) -> None:
        view = await self.open(client, await triggers(), modal(typed("A", block_id="a")))
        await bea.sees_modal()
        await bea.cancels()
        await bea.sees_no_modal()
        gone = client.views_update(view_id=view["id"], view=modal(typed("A", block_id="a")))
        assert await refused(gone) == "not_found"

    async def test_typed_text_survives_an_update_only_where_both_ids_stay(
        self, app: AsyncApp, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person
    ) -> None:
        @app.action("refresh")
        async def take(ack: Any) -> None:
            await ack()

        first = modal(typed("Kept", block_id="kept"), typed("Lost", block_id="lost"), button("Refresh", "refresh"))
        view = await self.open(client, await triggers(), first)
        await bea.sees_modal()
        await bea.fills("Kept", "one")
        await bea.fills("Lost", "two")
        await bea.presses("Refresh")
        second = modal(typed("Kept", block_id="kept"), typed("Lost", block_id="renamed"))
        updated = (await client.views_update(view_id=view["id"], view=second))["view"]
        assert updated["state"]["values"]["kept"]["text"]["value"] == "one"
        assert updated["state"]["values"]["renamed"]["text"]["value"] is None

    @pytest.mark.parametrize("way", ["cancel", "x"])
    async def test_closing_is_told_on_request(
        self, app: AsyncApp, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person, way: str
    ) -> None:
        closed: list[Json] = []

        @app.view_closed("root")
        async def take_root(ack: Any, body: Json) -> None:
            closed.append(body)
            await ack()

        @app.view_closed("top")
        async def take_top(ack: Any, body: Json) -> None:
            closed.append(body)
            await ack()

        @app.action("deeper")
        async def push(ack: Any, body: Json) -> None:
            await ack()
            view = modal(typed("A", block_id="a"), title="Top", callback_id="top", notify_on_close=True)
            await client.views_push(trigger_id=body["trigger_id"], view=view)

        root = modal(button("Deeper", "deeper"), title="Root", callback_id="root", notify_on_close=True)
        await self.open(client, await triggers(), root)
        await bea.sees_modal("Root")
        await bea.presses("Deeper")
        await bea.sees_modal("Top")
        await bea.fills("A", "unsaved")
        if way == "cancel":
            await bea.cancels()
            await bea.sees_modal("Root")
            assert [(body["view"]["callback_id"], body["is_cleared"]) for body in closed] == [("top", False)]
        else:
            await bea.closes_modal()
            await bea.sees_no_modal()
            assert [(body["view"]["callback_id"], body["is_cleared"]) for body in closed] == [("root", True)]
        assert closed[0]["view"]["state"]["values"] == {}

    async def test_closing_is_not_told_unasked(
        self, lab: SlackLab, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person
    ) -> None:
        await self.open(client, await triggers(), modal(typed("A", block_id="a")))
        await bea.sees_modal()
        await bea.cancels()
        assert lab.record.delivered("view_closed") == []

    async def test_response_urls_come_with_channel_selects_that_ask(
        self, app: AsyncApp, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person, olivia: Person
    ) -> None:
        @app.view("share")
        async def submit(ack: Any, body: Json) -> None:
            await ack()
            async with aiohttp.ClientSession() as session:
                answer = {"text": "Shared", "response_type": "in_channel"}
                await session.post(body["response_urls"][0]["response_url"], json=answer)

        element = {
            "type": "conversations_select",
            "action_id": "where",
            "response_url_enabled": True,
            "default_to_current_conversation": True,
        }
        where = {"type": "input", "block_id": "w", "label": text("Where"), "element": element}
        await self.open(client, await triggers(), modal(where, callback_id="share"))
        await bea.sees_modal()
        assert await bea.submits() == {"ok": True}
        assert (await olivia.sees("Shared"))["channel"] == "C0RANDOM"


class TestElements:
    async def test_button_of_a_message_brings_what_is_needed(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person
    ) -> None:
        pressed: list[Json] = []

        @app.action("approve")
        async def take(ack: Any, body: Json) -> None:
            pressed.append(body)
            await ack()

        async with connected(lab, app, wire):
            sent = await app.client.chat_postMessage(
                channel="C0GENERAL", text="a", blocks=[button("Approve", "approve", value="42")]
            )
            await bea.sees("Approve")
            assert await bea.presses("Approve", in_message=sent["ts"]) == {"ok": True}
        (body,) = pressed
        assert body["actions"][0]["value"] == "42"
        assert body["container"] == {
            "type": "message",
            "message_ts": sent["ts"],
            "channel_id": "C0GENERAL",
            "is_ephemeral": False,
        }
        assert body["message"]["ts"] == sent["ts"]
        assert body["user"]["team_id"] == "T0ACME"
        assert body["response_url"].startswith(lab.url)

    async def test_double_clicks_arrive_twice(self, lab: SlackLab, app: AsyncApp, bea: Person) -> None:
        @app.action("approve")
        async def take(ack: Any) -> None:
            await ack()

        async with connected(lab, app, Wire.SOCKET):
            await app.client.chat_postMessage(channel="C0GENERAL", text="a", blocks=[button("Approve", "approve")])
            await bea.sees("Approve")
            await asyncio.gather(bea.presses("Approve"), bea.presses("Approve"))
        assert len(lab.record.delivered("block_actions")) == 2

    async def test_ephemeral_message_is_replaced_and_removed_through_its_response_url(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person
    ) -> None:
        bodies: list[Json] = []

        @app.action("next")
        async def following(ack: Any, body: Json, respond: Any) -> None:
            bodies.append(body)
            await ack()
            await respond(text="Second", blocks=[button("Remove", "remove")], replace_original=True)

        @app.action("remove")
        async def remove(ack: Any, respond: Any) -> None:
            await ack()
            await respond(delete_original=True)

        async with connected(lab, app, wire):
            await app.client.chat_postEphemeral(
                channel="C0GENERAL", user="U0BEA", text="First", blocks=[button("Next", "next")]
            )
            await bea.sees("Next")
            await bea.presses("Next")
            await bea.sees("Remove")
            assert len(await bea.messages("#general")) == 1
            await bea.presses("Remove")
        assert await bea.messages("#general") == []
        assert "message" not in bodies[0]
        assert bodies[0]["container"]["is_ephemeral"] is True

    async def test_unacknowledged_press_warns_the_person(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person
    ) -> None:
        arrived = asyncio.Event()

        @app.action("go")
        async def take() -> None:
            arrived.set()
            await asyncio.Event().wait()

        async with connected(lab, app, wire):
            await app.client.chat_postMessage(channel="C0GENERAL", text="a", blocks=[button("Go", "go")])
            await bea.sees("Go")
            waiting = asyncio.create_task(bea.presses("Go"))
            await arrived.wait()
            lab.clock.jump(3.1)
            answer = await waiting
        assert (answer["ok"], answer["error"]) == (False, "operation_timeout")

    async def test_inputs_dispatch_only_on_request(
        self, lab: SlackLab, app: AsyncApp, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person
    ) -> None:
        seen: list[Json] = []

        @app.action({"block_id": "gpu", "action_id": "choice"})
        async def take(ack: Any, body: Json) -> None:
            seen.append(body)
            await ack()

        view = modal(
            typed("Name", block_id="name"),
            select("GPU", "A4000", "A6000", block_id="gpu", dispatch_action=True),
        )
        await client.views_open(trigger_id=await triggers(), view=view)
        await bea.sees_modal()
        assert await bea.fills("Name", "first") is None
        await bea.chooses("GPU", "A6000")
        (body,) = seen
        assert body["actions"][0]["selected_option"]["value"] == "a6000"
        assert body["view"]["state"]["values"]["name"]["text"]["value"] == "first"

    async def test_what_is_not_offered_cannot_be_chosen(
        self, lab: SlackLab, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person
    ) -> None:
        view = modal(select("GPU", "A4000", block_id="gpu", dispatch_action=True))
        opened = (await client.views_open(trigger_id=await triggers(), view=view))["view"]
        body = {
            "as": "U0BEA",
            "view_id": opened["id"],
            "block_id": "gpu",
            "action_id": "choice",
            "value": {"selected_option": {"text": text("H100"), "value": "h100"}},
        }
        async with aiohttp.ClientSession(lab.url) as session, session.post("/lab/actions", json=body) as response:
            assert response.status == 400
            assert (await response.json())["error"] == "option_not_found"


class TestSuggestions:
    def view(self, **more: Any) -> Json:
        element = {"type": "external_select", "action_id": "model", "placeholder": text("Search"), **more}
        search = {"type": "input", "block_id": "m", "label": text("Model"), "element": element}
        return modal(select("GPU", "A4000", "A6000", block_id="gpu", dispatch_action=True), search)

    async def test_load_options_and_see_stale_state(
        self, lab: SlackLab, app: AsyncApp, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person
    ) -> None:
        asked: list[Json] = []

        @app.action("choice")
        async def choice(ack: Any) -> None:
            await ack()

        @app.options("model")
        async def load(ack: Any, body: Json) -> None:
            asked.append(body)
            await ack(options=[{"text": text("mistral 7b"), "value": "m7"}])

        await client.views_open(trigger_id=await triggers(), view=self.view())
        await bea.sees_modal()
        await bea.chooses("GPU", "A6000")
        await bea.chooses("Model", "mistral 7b")
        (body,) = asked
        assert body["value"] == "mistral 7b"
        # What was chosen since the last update is not in it, though the action before told it.
        assert body["view"]["state"]["values"]["gpu"]["choice"]["selected_option"] is None

    async def test_short_queries_are_not_sent(
        self, lab: SlackLab, client: Client, triggers: Callable[[], Awaitable[str]], bea: Person
    ) -> None:
        view = (await client.views_open(trigger_id=await triggers(), view=self.view()))["view"]
        assert (await self.ask(lab, view, "mi"))["error"] == "query_too_short"
        assert lab.record.delivered("block_suggestion") == []

    async def test_min_query_length_of_zero_loads_at_once(
        self, lab: SlackLab, app: AsyncApp, client: Client, triggers: Callable[[], Awaitable[str]]
    ) -> None:
        @app.options("model")
        async def load(ack: Any) -> None:
            await ack(options=[])

        view = (await client.views_open(trigger_id=await triggers(), view=self.view(min_query_length=0)))["view"]
        assert await self.ask(lab, view, "") == {"options": []}

    @pytest.mark.parametrize(("count", "shown"), [(100, True), (101, False)])
    async def test_at_most_a_hundred_options_are_shown(
        self,
        lab: SlackLab,
        app: AsyncApp,
        client: Client,
        triggers: Callable[[], Awaitable[str]],
        count: int,
        shown: bool,
    ) -> None:
        @app.options("model")
        async def load(ack: Any) -> None:
            await ack(options=[{"text": text(f"m{n}"), "value": str(n)} for n in range(count)])

        view = (await client.views_open(trigger_id=await triggers(), view=self.view()))["view"]
        answer = await self.ask(lab, view, "mistral")
        assert ("options" in answer) is shown

    async def test_load_over_signed_http_too(self, lab: SlackLab, app: AsyncApp, bea: Person) -> None:
        @app.command("/prime")
        async def take(ack: Any, command: Json, client: Client) -> None:
            await ack()
            await client.views_open(trigger_id=command["trigger_id"], view=self.view())

        @app.options("model")
        async def load(ack: Any) -> None:
            groups = [{"label": text("Mistral"), "options": [{"text": text("mistral 7b"), "value": "m7"}]}]
            await ack(option_groups=groups)

        async with connected(lab, app, Wire.HTTP):
            await bea.types("/prime", channel="#random")
            await bea.sees_modal()
            await bea.chooses("Model", "mistral 7b")
        assert lab.record.delivered("block_suggestion")[0].failure is None

    async def ask(self, lab: SlackLab, view: Json, query: str) -> Json:
        body = {"as": "U0BEA", "view_id": view["id"], "block_id": "m", "action_id": "model", "query": query}
        async with aiohttp.ClientSession(lab.url) as session, session.post("/lab/suggestions", json=body) as response:
            return await response.json()


class TestShortcuts:
    async def test_global_one_brings_no_channel(self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person) -> None:
        seen: list[Json] = []

        @app.shortcut("create_server")
        async def take(ack: Any, body: Json, client: Client) -> None:
            seen.append(body)
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view=modal(typed("A", block_id="a")))

        async with connected(lab, app, wire):
            assert await bea.uses_shortcut("create_server") == {"ok": True}
            await bea.sees_modal("Form")
        assert not {"channel", "response_url", "message"} & seen[0].keys()

    async def test_message_one_brings_the_whole_message(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person
    ) -> None:
        seen: list[Json] = []

        @app.shortcut("ask_about_message")
        async def take(ack: Any, body: Json, respond: Any) -> None:
            seen.append(body)
            await ack()
            await respond("About that")

        async with connected(lab, app, wire):
            ts = await bea.says("#random", "what is this?")
            await bea.uses_shortcut("ask_about_message", channel="#random", ts=ts)
            await bea.sees("About that")
        assert (seen[0]["message"]["text"], seen[0]["message_ts"]) == ("what is this?", ts)


class TestHome:
    async def test_opening_is_told_and_the_view_is_shown(
        self, lab: SlackLab, app: AsyncApp, wire: Wire, bea: Person
    ) -> None:
        opened: list[Json] = []

        @app.event("app_home_opened")
        async def take(event: Json, client: Client) -> None:
            opened.append(event)
            await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [button("Go", "go")]})

        @app.action("go")
        async def go(ack: Any, body: Json) -> None:
            opened.append(body)
            await ack()

        async with connected(lab, app, wire):
            assert await bea.opens_home() is None
            await bea.sees("Go")
            await bea.presses("Go", in_home=True)
            assert await bea.opens_home() is not None
            await bea.sees(lambda _: len(opened) == 3)
        first, pressed, second = opened
        assert "view" not in first
        assert pressed["container"]["type"] == "view"
        assert second["view"]["type"] == "home"

    async def test_publishing_overwrites_and_keeps_to_the_hash(self, client: Client) -> None:
        home = {"type": "home", "blocks": [{"type": "divider"}]}
        first = (await client.views_publish(user_id="U0BEA", view=home))["view"]
        second = (await client.views_publish(user_id="U0BEA", view=home, hash=first["hash"]))["view"]
        assert first["id"] == second["id"]
        stale = client.views_publish(user_id="U0BEA", view=home, hash=first["hash"])
        assert await refused(stale) == "hash_conflict"

    async def test_is_refused_while_the_tab_is_off(self, lab: SlackLab, client: Client) -> None:
        lab.platform.app.manifest = type(lab.platform.app.manifest)(name="Prime")
        publish = client.views_publish(user_id="U0BEA", view={"type": "home", "blocks": []})
        assert await refused(publish) == "not_enabled"

    async def test_a_modal_is_no_home(self, client: Client) -> None:
        publish = client.views_publish(user_id="U0BEA", view=modal(typed("A", block_id="a")))
        assert await refused(publish) == "invalid_arguments"


class TestResponseUrls:
    @pytest.fixture
    async def url(self, lab: SlackLab, app: AsyncApp, bea: Person) -> AsyncIterator[str]:
        urls: list[str] = []

        @app.command("/prime")
        async def take(ack: Any, command: Json) -> None:
            urls.append(command["response_url"])
            await ack()

        async with connected(lab, app, Wire.SOCKET):
            await bea.types("/prime", channel="#random")
            yield urls[0]

    async def post(self, url: str, **body: Any) -> tuple[int, Json]:
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
            return response.status, await response.json()

    async def test_are_good_for_five_posts(self, url: str) -> None:
        statuses = [(await self.post(url, text=str(n)))[0] for n in range(6)]
        assert statuses == [200] * 5 + [404]

    async def test_are_good_for_thirty_minutes(self, lab: SlackLab, url: str) -> None:
        lab.clock.jump(30 * 60 + 1)
        assert await self.post(url, text="late") == (404, {"ok": False, "error": "expired_url"})

    async def test_first_answer_can_be_replaced(self, url: str, bea: Person) -> None:
        await self.post(url, text="Working on it")
        await self.post(url, text="Finished", replace_original=True)
        assert [message["text"] for message in await bea.messages("#random")] == ["Finished"]

    async def test_in_channel_answers_are_for_all(self, url: str, olivia: Person) -> None:
        await self.post(url, text="For all", response_type="in_channel")
        await olivia.sees("For all")

    async def test_blocks_are_checked(self, url: str) -> None:
        assert await self.post(url, text="a", blocks=[{"type": "nonsense"}]) == (
            400,
            {"ok": False, "error": "invalid_blocks"},
        )
