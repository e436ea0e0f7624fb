"""What is stored of Slack's deliveries."""

from typing import Any

import pytest

from bot.ids import Action
from bot.inbox import IN_A_THREAD, classify, overheard_in
from core.inbox.model import Delivery, DeliveryKind
from core.talk.model import Thread

BOT = "U0PRIME"


def event(**fields: Any) -> dict[str, Any]:
    about = {"type": "message", "user": "U1", "channel": "C1", "ts": "1.000100", "text": "hi", **fields}
    return {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": about}


def stored(**fields: Any) -> Delivery | None:
    return classify(event(**fields), bot_user=BOT)


def test_a_mention_has_one_work_key_whichever_event_tells_of_it() -> None:
    mention = stored(type="app_mention", text=f"<@{BOT}> hi")
    message = stored(channel_type="channel", text=f"<@{BOT}> hi")
    assert mention
    assert message
    assert mention.kind is DeliveryKind.EVENT
    assert mention.event_id == "Ev1"
    assert mention.work_key == message.work_key == "prompt/T1/C1/1.000100/-"


def edited(before: str, after: str, **fields: Any) -> dict[str, Any]:
    """The event of an edit, with these fields in the message."""
    message = {"type": "message", "user": "U1", "ts": "1.000100", "text": after, "edited": {"ts": "2.0"}, **fields}
    return event(
        subtype="message_changed",
        user=None,
        ts="2.000100",
        channel_type="channel",
        message=message,
        previous_message={**message, "text": before},
    )


def test_an_edited_prompt_is_other_work() -> None:
    delivery = classify(edited(f"<@{BOT}> hi", f"<@{BOT}> hi there"), bot_user=BOT)
    assert delivery
    assert delivery.work_key == "edit/T1/C1/1.000100/2.0"
    assert delivery.order_key == "thread/T1/C1/1.000100"


def test_the_mention_event_of_an_edit_is_nothing_beside_the_change_itself() -> None:
    assert stored(type="app_mention", text=f"<@{BOT}> hi", edited={"user": "U1", "ts": "2.000200"}) is None


@pytest.mark.parametrize(
    "body",
    [
        edited(f"<@{BOT}> hi", f"<@{BOT}> hi"),
        edited("hi", f"<@{BOT}> hi", bot_id="B9"),
        edited("hi", f"<@{BOT}> hi", edited=None),
        edited("hi", f"<@{BOT}> hi", subtype="tombstone"),
    ],
    ids=["unfurled", "by a bot", "not by its author", "deleted"],
)
def test_a_change_that_is_no_edit_of_words_is_nothing(body: dict[str, Any]) -> None:
    assert classify(body, bot_user=BOT) is None
    assert overheard_in(body, bot_user=BOT) is None


def test_a_reply_without_a_mention_is_for_prime_where_it_talks() -> None:
    heard = event(channel_type="channel", thread_ts="1.0", ts="3.0")
    assert classify(heard, bot_user=BOT) is None
    assert overheard_in(heard, bot_user=BOT) == Thread(team="T1", channel="C1", ts="1.0")


@pytest.mark.parametrize(
    "fields",
    [
        {"channel_type": "channel"},
        {"channel_type": "channel", "thread_ts": "1.000100"},
        {"channel_type": "channel", "thread_ts": "1.0", "ts": "3.0", "bot_id": "B9"},
        {"channel_type": "channel", "thread_ts": "1.0", "ts": "3.0", "subtype": "channel_join"},
        {"channel_type": "channel", "thread_ts": "1.0", "ts": "3.0", "text": f"<@{BOT}> hi"},
        {"type": "app_mention", "thread_ts": "1.0", "ts": "3.0", "text": f"<@{BOT}> hi"},
        {"channel_type": "im", "thread_ts": "1.0", "ts": "3.0"},
    ],
)
def test_nothing_else_needs_a_look_at_the_thread(fields: dict[str, Any]) -> None:
    assert overheard_in(event(**fields), bot_user=BOT) is None


def test_an_edit_in_a_thread_or_of_its_first_message_needs_a_look() -> None:
    first = Thread(team="T1", channel="C1", ts="1.000100")
    assert overheard_in(edited("hi", "hello"), bot_user=BOT) == first
    assert overheard_in(edited("hi", "hello", ts="3.0", thread_ts="1.000100"), bot_user=BOT) == first


def test_prompts_of_one_thread_are_worked_on_in_their_order() -> None:
    first, reply, other = (
        stored(channel_type="im"),
        stored(channel_type="im", thread_ts="1.000100", ts="3.0"),
        stored(channel_type="im", ts="4.0"),
    )
    assert first
    assert reply
    assert other
    assert first.order_key == reply.order_key == "thread/T1/C1/1.000100"
    assert other.order_key != first.order_key


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_a_direct_message_with_a_file_or_to_the_channel_too_is_a_prompt(subtype: str) -> None:
    assert stored(channel_type="im", subtype=subtype)


@pytest.mark.parametrize(
    "fields",
    [
        {"channel_type": "channel"},
        {"channel_type": "im", "bot_id": "B9"},
        {"type": "app_mention", "bot_id": "B9"},
        {"channel_type": "im", "user": None},
        {"channel_type": "im", "subtype": "message_changed"},
        {"channel_type": "im", "subtype": "bot_message", "text": f"<@{BOT}>"},
        {"channel_type": "channel", "subtype": "channel_topic", "text": f"<@{BOT}>"},
    ],
)
def test_what_is_said_among_others_or_by_bots_is_no_prompt(fields: dict[str, Any]) -> None:
    assert stored(**fields) is None


def test_commands_submissions_and_suggestions_are_answered_inline() -> None:
    for body in (
        {"command": "/prime", "text": "help"},
        {"type": "view_submission", "view": {}},
        {"type": "block_suggestion", "action_id": Action.MENU_HELP},
        {"type": "block_actions", "actions": [{"action_id": "opens.a.modal"}]},
        {"type": "url_verification"},
        {},
    ):
        assert classify(body, bot_user=BOT) is None


def pressed(*, user: str = "U1", at: str = "1.000100") -> Delivery | None:
    action = {"action_id": Action.MENU_HELP, "action_ts": at}
    return classify({"type": "block_actions", "user": {"id": user}, "actions": [action]}, bot_user=BOT)


def test_a_button_that_leads_to_work_is_stored() -> None:
    delivery = pressed()
    assert delivery
    assert delivery.kind is DeliveryKind.INTERACTION
    assert delivery.payload["user"] == {"id": "U1"}


def test_a_click_is_work_once_however_often_it_is_delivered() -> None:
    keys = [delivery.work_key for delivery in (pressed(), pressed(at="2.0"), pressed(user="U2")) if delivery]
    again = pressed()
    assert again
    assert again.work_key == keys[0]
    assert len(set(keys)) == 3


@pytest.mark.parametrize("action", [Action.CREATE_CHOOSE, Action.CREATE_MODEL, Action.CREATE_USE])
def test_choices_in_one_modal_are_worked_on_in_their_order(action: Action) -> None:
    pressed = {"action_id": action, "action_ts": "1.0"}
    body = {"type": "block_actions", "user": {"id": "U1"}, "view": {"id": "V1"}, "actions": [pressed]}
    delivery = classify(body, bot_user=BOT)
    key = f"pressed/U1/{action}/1.0"
    assert delivery == Delivery(kind=DeliveryKind.INTERACTION, payload=body, work_key=key, order_key="view/V1")


@pytest.mark.parametrize("action", sorted(IN_A_THREAD))
def test_a_press_at_an_answer_waits_its_turn_in_the_thread(action: Action) -> None:
    container = {"type": "message", "channel_id": "C1", "message_ts": "3.0"}
    body = {
        "type": "block_actions",
        "user": {"id": "U1"},
        "team": {"id": "T1"},
        "actions": [{"action_id": action, "action_ts": "4.0"}],
    }
    in_thread, at_top = (
        classify({**body, "container": {**container, **more}}, bot_user=BOT) for more in ({"thread_ts": "1.0"}, {})
    )
    assert in_thread
    assert in_thread.order_key == "thread/T1/C1/1.0"
    assert at_top
    assert at_top.order_key == "thread/T1/C1/3.0"
