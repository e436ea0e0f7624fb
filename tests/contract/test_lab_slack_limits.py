"""Rate limits and the API's faults (slack-platform.md section 8)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from lab.clock import LabClock
from lab.faults import Fault, UnknownFaultError
from lab.slack.faults import FaultName
from lab.slack.limits import CHANNEL_BURST, WINDOW_SECONDS, Limits, Tier
from lab.slack.server import SlackLab
from tests.slack_apps import Client


@pytest.fixture
async def strict(manifest_path: Path) -> AsyncIterator[SlackLab]:
    """The lab's Slack with rate limits, as it is by default."""
    lab = SlackLab(manifest_path)
    await lab.start()
    yield lab
    await lab.stop()


@pytest.fixture
def strict_client(strict: SlackLab) -> Client:
    return AsyncWebClient(token=strict.bot_token, base_url=strict.api_url, retry_handlers=[])


async def limited(call: object) -> int:
    """The seconds that a refused call is asked to wait."""
    with pytest.raises(SlackApiError) as caught:
        await call  # pyright: ignore[reportGeneralTypeIssues]
    response = caught.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    return int(response.headers["Retry-After"])


class TestTiers:
    async def test_tier_two_gives_twenty_a_minute(self, strict: SlackLab, strict_client: Client) -> None:
        for _ in range(20):
            await strict_client.usergroups_list()
        wait = await limited(strict_client.usergroups_list())
        assert 55 <= wait <= 60
        assert (await strict_client.users_info(user="U0BEA"))["ok"], "other methods have limits of their own"
        strict.clock.jump(wait)
        assert (await strict_client.usergroups_list())["ok"]

    async def test_calls_before_retry_after_are_refused_again(self, strict: SlackLab, strict_client: Client) -> None:
        for _ in range(20):
            await strict_client.usergroups_list()
        first = await limited(strict_client.usergroups_list())
        strict.clock.jump(first - 5)
        assert await limited(strict_client.usergroups_list()) <= 5

    async def test_posting_is_one_a_second_in_each_channel_with_short_bursts(
        self, strict: SlackLab, strict_client: Client
    ) -> None:
        for _ in range(CHANNEL_BURST):
            await strict_client.chat_postMessage(channel="C0GENERAL", text="a")
        assert await limited(strict_client.chat_postMessage(channel="C0GENERAL", text="a")) == 1
        assert (await strict_client.chat_postMessage(channel="C0MLPLATFORM", text="a"))["ok"]
        strict.clock.jump(1.01)
        assert (await strict_client.chat_postMessage(channel="C0GENERAL", text="a"))["ok"]
        assert await limited(strict_client.chat_postMessage(channel="C0GENERAL", text="a")) == 1

    async def test_calls_are_recorded_with_their_outcome(self, strict: SlackLab, strict_client: Client) -> None:
        for _ in range(CHANNEL_BURST):
            await strict_client.chat_postMessage(channel="C0GENERAL", text="a")
        await limited(strict_client.chat_postMessage(channel="C0GENERAL", text="last"))
        calls = strict.record.called("chat.postMessage")
        assert [call.status for call in calls] == [200] * CHANNEL_BURST + [429]
        assert calls[-1].retry_after == 1
        assert calls[-1].arguments["text"] == "last"
        assert calls[-1].at == pytest.approx(strict.clock.time(), abs=5)

    async def test_limits_can_be_switched_off(self, lab: SlackLab, client: Client) -> None:
        for _ in range(25):
            await client.usergroups_list()
        lab.limits.enabled = True
        for _ in range(20):
            await client.usergroups_list()
        await limited(client.usergroups_list())

    async def test_the_sdks_retry_handler_gets_through(self, strict: SlackLab) -> None:
        client: Client = AsyncWebClient(
            token=strict.bot_token,
            base_url=strict.api_url,
            retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=3)],
        )
        for number in range(CHANNEL_BURST + 1):
            await client.chat_postMessage(channel="C0GENERAL", text=str(number))
        history = await client.conversations_history(channel="C0GENERAL")
        assert [message["text"] for message in history["messages"]] == [str(n) for n in range(CHANNEL_BURST, -1, -1)]

    @given(pauses=st.lists(st.floats(min_value=0, max_value=30), min_size=1, max_size=120))
    def test_no_window_ever_admits_more_than_the_tier(self, pauses: list[float]) -> None:
        clock = StillClock()
        limits = Limits(clock, enabled=True)
        admitted: list[float] = []
        for pause in pauses:
            clock.jump(pause)
            if limits.admit("m", Tier.T2, channel="") is None:
                admitted.append(clock.time())
        for start in admitted:
            assert sum(start <= at < start + WINDOW_SECONDS for at in admitted) <= Tier.T2.value

    @given(pauses=st.lists(st.floats(min_value=0, max_value=3), min_size=1, max_size=60))
    def test_after_retry_after_a_call_is_admitted(self, pauses: list[float]) -> None:
        clock = StillClock()
        limits = Limits(clock, enabled=True)
        for pause in pauses:
            clock.jump(pause)
            wait = limits.admit("chat.postMessage", Tier.POSTING, channel="C")
            if wait is not None:
                clock.jump(wait)
                assert limits.admit("chat.postMessage", Tier.POSTING, channel="C") is None


class StillClock(LabClock):
    """Moves by jumps only."""

    def __init__(self) -> None:
        self._time = 1_000_000.0

    def time(self) -> float:
        return self._time

    def jump(self, seconds: float) -> None:
        self._time += seconds


class TestFaults:
    async def test_429s_strike_and_last_as_long_as_they_say(self, lab: SlackLab, client: Client) -> None:
        lab.faults.switch(FaultName.RATE_LIMITS, share=1.0, retry_after=7)
        assert await limited(client.auth_test()) == 7
        lab.faults.switch(FaultName.RATE_LIMITS, on=False)
        lab.clock.jump(6)
        assert await limited(client.auth_test()) == 1
        lab.clock.jump(1.1)
        assert (await client.auth_test())["ok"]

    async def test_500s_do_nothing_and_say_nothing(self, lab: SlackLab, client: Client) -> None:
        lab.faults.switch(FaultName.API_500S, share=1.0)
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel="C0GENERAL", text="a")
        assert caught.value.response.status_code == 500
        assert lab.workspace.channels["C0GENERAL"].messages == {}

    async def test_slow_api_takes_its_time(self, lab: SlackLab, client: Client) -> None:
        lab.faults.switch(FaultName.SLOW_API, seconds=0.05)
        before = lab.clock.time()
        await client.auth_test()
        assert lab.clock.time() - before >= 0.05

    async def test_clock_jump_is_over_at_once(self, lab: SlackLab) -> None:
        before = lab.clock.time()
        lab.faults.switch(FaultName.CLOCK_JUMP, seconds=1000)
        assert lab.clock.time() - before >= 1000
        assert all(not fault["on"] for fault in lab.faults.listing())

    async def test_every_fault_has_a_name_and_a_sentence(self, lab: SlackLab) -> None:
        listing = lab.faults.listing()
        assert {fault["name"] for fault in listing} == set(FaultName)
        assert all(fault["description"].endswith(".") for fault in listing)

    async def test_unknown_names_and_options_are_refused(self, lab: SlackLab) -> None:
        with pytest.raises(UnknownFaultError):
            lab.faults.switch("earthquake")
        with pytest.raises(UnknownFaultError):
            lab.faults.switch(FaultName.SLOW_API, minutes=1)

    async def test_other_parts_add_their_own(self, lab: SlackLab) -> None:
        lab.faults.add(Fault(name="no capacity", description="The cloud is full."))
        lab.faults.switch("no capacity")
        assert lab.faults.options("no capacity") == {}
