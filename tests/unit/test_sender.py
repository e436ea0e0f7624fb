"""The sender, in front of a server that answers as it is told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError

from bot.budgets import LocalBudgets
from bot.pacer import Pacer, TooLateError
from bot.sender import Sender, SlackUnavailableError
from tests.clock import ManualClock
from tests.serving import served


@dataclass
class Slack:
    """Gives its answers in order, the last one again and again."""

    answers: list[tuple[int, dict[str, Any], dict[str, str]]] = field(default_factory=lambda: [(200, {"ok": True}, {})])
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    drop: bool = False
    unreadable: bool = False
    url: str = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        arguments = await request.json() if request.content_type == "application/json" else dict(await request.post())
        self.calls.append((request.match_info["method"], {**request.query, **arguments}))
        if self.drop:
            assert request.transport is not None
            request.transport.close()
        if self.unreadable:
            return web.Response(text="{oops", content_type="application/json")
        status, body, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.json_response(body, status=status, headers=headers)


LIMITED = (429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"})
FINE = (200, {"ok": True}, {})


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    slack = Slack()
    async with served(web.route("*", "/api/{method}", slack.serve)) as slack.url:
        yield slack


@pytest.fixture
async def sender(slack: Slack, clock: ManualClock) -> AsyncIterator[Sender]:
    pacer = Pacer(LocalBudgets(), clock)
    async with Sender(token="xoxb-1", base_url=f"{slack.url}/api", pacer=pacer, clock=clock) as sender:
        yield sender


async def until_waiting(clock: ManualClock) -> None:
    """Real answers have come in, and somebody waits for the clock."""
    async with asyncio.timeout(5):
        while not clock.sleepers:  # noqa: ASYNC110 the clock tells nobody
            await asyncio.sleep(0.001)


async def test_waits_out_a_429_and_calls_again(slack: Slack, sender: Sender, clock: ManualClock) -> None:
    slack.answers = [LIMITED, FINE]
    call = asyncio.create_task(sender.chat_update(channel="C1", ts="1.1", text="x"))
    await until_waiting(clock)
    await clock.advance(29.9)
    assert len(slack.calls) == 1
    await clock.advance(0.2)
    assert (await call)["ok"]
    assert len(slack.calls) == 2


async def test_holds_every_call_of_a_method_back_after_a_429_and_no_other_method(
    slack: Slack, sender: Sender, clock: ManualClock
) -> None:
    slack.answers = [LIMITED, FINE]
    first = asyncio.create_task(sender.chat_update(channel="C1", ts="1.1", text="x"))
    await until_waiting(clock)
    second = asyncio.create_task(sender.chat_update(channel="C2", ts="2.2", text="y"))
    await sender.auth_test()
    await clock.advance(29)
    assert [method for method, _ in slack.calls] == ["chat.update", "auth.test"]
    await clock.advance(10)
    await asyncio.gather(first, second)


async def test_a_429_of_posting_holds_back_that_channel_alone(slack: Slack, sender: Sender, clock: ManualClock) -> None:
    slack.answers = [LIMITED, FINE]
    held = asyncio.create_task(sender.chat_postMessage(channel="C1", text="x"))
    await until_waiting(clock)
    await sender.chat_postMessage(channel="C2", text="y")
    assert [arguments["channel"] for _, arguments in slack.calls] == ["C1", "C2"]
    await clock.advance(31)
    await held


async def test_an_answer_that_says_ratelimited_with_http_200_counts_too(
    slack: Slack, sender: Sender, clock: ManualClock
) -> None:
    slack.answers = [(200, {"ok": False, "error": "rate_limited"}, {}), FINE]
    call = asyncio.create_task(sender.chat_postMessage(channel="C1", text="x"))
    await until_waiting(clock)
    await clock.advance(4.9)
    assert len(slack.calls) == 1
    await clock.advance(0.2)
    await call


async def test_keeps_calls_under_slacks_rate(slack: Slack, sender: Sender, clock: ManualClock) -> None:
    calls = [asyncio.create_task(sender.chat_update(channel="C1", ts="1.1", text="x")) for _ in range(60)]
    for _ in range(600):
        await clock.advance(0.1)
        await asyncio.sleep(0)
    assert 40 <= len([call for call in calls if call.done()]) <= 50
    for call in calls:
        call.cancel()


async def test_each_further_page_waits_for_its_turn_too(slack: Slack, sender: Sender, clock: ManualClock) -> None:
    slack.answers = [(200, {"ok": True, "response_metadata": {"next_cursor": "more"}}, {}), LIMITED, FINE]
    pages = aiter(await sender.users_list(limit=1))
    await anext(pages)
    page = asyncio.create_task(anext(pages))  # pyright: ignore[reportArgumentType]: a coroutine in fact
    await until_waiting(clock)
    await clock.advance(31)
    await page
    assert [arguments.get("cursor") for _, arguments in slack.calls] == [None, "more", "more"]


async def test_a_modal_that_would_open_too_late_is_refused_at_once(
    slack: Slack, sender: Sender, clock: ManualClock
) -> None:
    slack.answers = [LIMITED]
    with pytest.raises(TooLateError):
        await sender.views_open(trigger_id="t", view={"type": "modal"})
    assert len(slack.calls) == 1


async def test_repeats_what_is_safe_to_repeat_when_slack_fails(
    slack: Slack, sender: Sender, clock: ManualClock
) -> None:
    slack.answers = [(500, {}, {}), (200, {"ok": False, "error": "internal_error"}, {}), FINE]
    call = asyncio.create_task(sender.chat_update(channel="C1", ts="1.1", text="x"))
    for pause in (0.4, 1.6):
        await until_waiting(clock)
        await clock.advance(pause)
    await call
    assert len(slack.calls) == 3


@pytest.mark.parametrize("drop", [True, False])
async def test_posts_once_when_nobody_knows_whether_slack_took_it(slack: Slack, sender: Sender, drop: bool) -> None:
    slack.drop, slack.answers = drop, [(500, {}, {})]
    with pytest.raises(SlackUnavailableError) as caught:
        await sender.chat_postMessage(channel="C1", text="x")
    assert caught.value.maybe_done
    assert len(slack.calls) == 1


async def test_tries_again_and_then_says_that_nothing_was_sent_when_slack_is_not_there(clock: ManualClock) -> None:
    pacer = Pacer(LocalBudgets(), clock)
    async with Sender(token="xoxb-1", base_url="http://127.0.0.1:9/api", pacer=pacer, clock=clock) as sender:
        call = asyncio.create_task(sender.chat_postMessage(channel="C1", text="x"))
        for pause in (0.4, 1.6):
            await until_waiting(clock)
            await clock.advance(pause)
        with pytest.raises(SlackUnavailableError) as caught:
            await call
    assert not caught.value.maybe_done


async def test_an_answer_that_cannot_be_read_is_none(slack: Slack, sender: Sender) -> None:
    slack.unreadable = True
    with pytest.raises(SlackUnavailableError):
        await sender.chat_postMessage(channel="C1", text="x")


async def test_an_answer_that_is_not_ok_is_slack_sdks_error(slack: Slack, sender: Sender) -> None:
    slack.answers = [(200, {"ok": False, "error": "channel_not_found"}, {})]
    with pytest.raises(SlackApiError):
        await sender.chat_postMessage(channel="C1", text="x")


async def test_a_method_whose_limits_are_not_known_cannot_be_called(slack: Slack, sender: Sender) -> None:
    with pytest.raises(KeyError):
        await sender.admin_users_list(team_id="T1")
    assert not slack.calls


async def test_response_urls_wait_out_a_429_and_tell_when_they_are_used_up(
    slack: Slack, sender: Sender, clock: ManualClock
) -> None:
    slack.answers = [LIMITED, FINE, (404, {}, {})]
    call = asyncio.create_task(sender.respond(f"{slack.url}/api/answer", {"text": "x"}))
    await until_waiting(clock)
    await clock.advance(31)
    assert await call
    assert not await sender.respond(f"{slack.url}/api/answer", {"text": "y"})


async def test_draws_an_edit_when_its_turn_has_come_and_anew_for_each_try(
    slack: Slack, sender: Sender, clock: ManualClock
) -> None:
    slack.answers = [LIMITED, FINE]
    drawn: list[str] = []

    async def draw() -> dict[str, str]:
        drawn.append(f"text {len(drawn)}")
        return {"text": drawn[-1]}

    update = asyncio.create_task(sender.update_latest(channel="C1", ts="1.1", draw=draw))
    await until_waiting(clock)
    await clock.advance(31)
    assert await update
    assert [arguments["text"] for _, arguments in slack.calls] == ["text 0", "text 1"]
    assert slack.calls[1][1] == {"channel": "C1", "ts": "1.1", "text": "text 1"}


async def test_makes_no_call_for_an_edit_that_has_nothing_new(slack: Slack, sender: Sender) -> None:
    async def draw() -> None:
        return None

    assert not await sender.update_latest(channel="C1", ts="1.1", draw=draw)
    assert not slack.calls


async def test_an_edit_that_is_under_way_is_not_broken_off(slack: Slack, sender: Sender) -> None:
    goes_on = asyncio.Event()

    async def draw() -> dict[str, str]:
        await goes_on.wait()
        return {"text": "x"}

    update = asyncio.create_task(sender.update_latest(channel="C1", ts="1.1", draw=draw))
    await asyncio.sleep(0.01)
    update.cancel()
    await asyncio.sleep(0.01)
    assert not update.done()
    goes_on.set()
    await asyncio.wait({update})
    assert update.cancelled()
    assert len(slack.calls) == 1
