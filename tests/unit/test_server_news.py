"""What people are told of a server by itself, and what is not told any more."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.load_chart import lines_of
from bot.views.kit import Block
from bot.views.server_news import build_keep_modal, build_news, build_settled, is_still_true
from bot.views.unknown_machine import (
    build_adopt_modal,
    build_decided,
    build_unknown_machine,
    proposed_name,
)
from bot.views.vitals import describe_activity, describe_end, describe_silence, describe_spend
from core.servers.model import Failure, FailureKind, Server, ServerCard, ServerState, StopReason
from core.servers.rules import check_name, still_costs
from core.watch.model import End, EndKind, Load, MachineFate, News, Pulse, UnknownMachine, Vitals
from core.watch.rules import STRETCH, pulse_of
from lab.slack.blocks import validate_message_blocks, validate_view
from lab.slack.screen import words
from tests.profiles import cases
from tests.servers import NOW, SPEC, server

S = ServerState
HOSTILE = "<!channel> & <@U0ADAM> `x` <https://evil.example|here>"
SOON = End(kind=EndKind.IDLE, at=NOW + timedelta(minutes=15))
IDLE = replace(SPEC, idle_stop_minutes=120)


def at_rest(state: ServerState = S.READY, **changes: Any) -> Server:
    values: dict[str, Any] = {"spec": IDLE, "machine_id": "ps1", "address": "203.0.113.4", "ready_at": NOW}
    return server(state=state, **(values | changes))


def pulse(one: Server, **changes: Any) -> Pulse:
    return replace(pulse_of(one, None), **changes)


def card(one: Server, *, seen: Pulse | None = None, end: End | None = None) -> ServerCard:
    return ServerCard(
        server=one,
        url=None,
        expected_seconds=None,
        still_costs="" if one.state is S.READY else still_costs(one),
        alternatives=(),
        vitals=Vitals(pulse=seen, end=end, spent_usd=Decimal("1.5"), is_spent_certain=False),
    )


def told(one: ServerCard, news: News, end: End | None = None, *, minutes: float = 0) -> list[Block]:
    _, blocks = build_news(one, news, end, now=NOW + timedelta(minutes=minutes))
    assert validate_message_blocks(_with_ids(blocks)) == []
    return blocks


def pressable(blocks: list[Block]) -> list[str]:
    return [element["text"]["text"] for block in blocks if block["type"] == "actions" for element in block["elements"]]


class TestNews:
    def test_ready_says_how_long_it_took_what_it_costs_and_how_to_use_it(self) -> None:
        one = at_rest(asked_at=NOW - timedelta(seconds=185))
        text = words(told(card(one), News.READY))
        for part in ("*llama* is ready", "took 3 min 5 s", "$0.76 per hour", "`/prime usage llama`"):
            assert part in text, part

    def test_failed_says_why_and_what_still_costs(self) -> None:
        failure = Failure(kind=FailureKind.ENGINE, message="It ran out of memory.")
        blocks = told(card(at_rest(S.FAILED, failure=failure)), News.FAILED)
        assert "engine. It ran out of memory." in words(blocks)
        assert "may still run and cost its full price" in words(blocks)
        assert pressable(blocks)[:3] == ["Start", "Stop", "Delete"]

    @pytest.mark.parametrize(
        ("reason", "why"),
        [
            (StopReason.IDLE, "nobody used it for 2 hours"),
            (StopReason.END_TIME, "its end time had come"),
            (StopReason.OUTSIDE, "not by Prime"),
            (StopReason.PERSON, "somebody asked"),
        ],
    )
    def test_stopped_says_why_and_when_it_is_deleted(self, reason: StopReason, why: str) -> None:
        end = End(kind=EndKind.DELETION, at=NOW + timedelta(days=1))
        one = at_rest(S.STOPPED, stop_reason=reason)
        assert why in words(told(card(one), News.STOPPED))
        assert "will be deleted with its disk at" in words(told(card(one, end=end), News.STOPPED))
        assert "will be deleted" not in words(told(card(one), News.STOPPED))

    def test_unreachable_says_since_when_and_that_it_is_not_stopped(self) -> None:
        one = at_rest()
        text = words(told(card(one, seen=pulse(one, unreachable_since=NOW)), News.UNREACHABLE, minutes=6))
        assert "(6 min)" in text
        assert "*not stopped*" in text

    def test_an_impostor_is_told_loudly(self) -> None:
        text = words(told(card(at_rest(S.FAILED)), News.IMPOSTOR))
        assert ":rotating_light:" in text
        assert "*Nothing is sent there.*" in text

    def test_a_deleted_one_has_nothing_to_press(self) -> None:
        assert pressable(told(card(at_rest(S.DELETED, stop_reason=StopReason.IDLE)), News.DELETED)) == []


class TestEndsSoon:
    def test_an_idle_one_can_be_kept_or_stopped(self) -> None:
        one = at_rest()
        blocks = told(card(one, seen=pulse(one)), News.ENDS_SOON, SOON, minutes=105)
        assert "has been idle for 1 h 45 min and stops at" in words(blocks)
        assert pressable(blocks) == ["Keep 1 h", "Keep until...", "Stop now"]

    def test_one_that_is_to_be_deleted_is_kept_for_a_day(self) -> None:
        blocks = told(card(at_rest(S.STOPPED)), News.ENDS_SOON, replace(SOON, kind=EndKind.DELETION))
        assert "*deleted with its disk*" in words(blocks)
        assert pressable(blocks) == ["Keep 1 day", "Keep until...", "Delete now"]
        values = [element["value"] for block in blocks for element in block.get("elements", ())]
        assert values == ["1|1d", "1", "1"]

    def test_once_it_is_settled_nothing_is_left_to_press(self) -> None:
        blocks = told(card(at_rest()), News.ENDS_SOON, SOON)
        settled = build_settled(blocks, "<@U0BEA> kept it.")
        assert [block["type"] for block in settled] == ["section", "context"]
        assert "<@U0BEA> kept it." in words(settled)


class TestWhatIsToldLate:
    @pytest.mark.parametrize(
        ("news", "state", "is_true"),
        [
            (News.READY, S.READY, True),
            (News.READY, S.STOPPED, False),
            (News.FAILED, S.STARTING, False),
            (News.STOPPED, S.STOPPED, True),
            (News.STOPPED, S.READY, False),
            (News.GONE, S.GONE, True),
            (News.GONE, S.DELETED, False),
            (News.STARTED, S.LOADING, True),
            (News.STARTED, S.STOPPED, False),
            (News.IMPOSTOR, S.FAILED, True),
            (News.IMPOSTOR, S.READY, False),
            (News.DELETED, S.DELETING, True),
            (News.DELETED, S.STARTING, False),
            (News.BACK, S.STARTING, True),
            (News.BACK, S.GONE, False),
        ],
    )
    def test_it_is_told_only_while_it_is_true(self, news: News, state: ServerState, is_true: bool) -> None:
        assert is_still_true(card(at_rest(state)), news, None) is is_true

    def test_an_outage_is_over_when_it_answers(self) -> None:
        one = at_rest()
        silent, answering = pulse(one, unreachable_since=NOW), pulse(one)
        assert is_still_true(card(one, seen=silent), News.UNREACHABLE, None)
        assert not is_still_true(card(one, seen=answering), News.UNREACHABLE, None)
        assert not is_still_true(card(one, seen=silent), News.BACK, None)
        assert is_still_true(card(one, seen=answering), News.BACK, None)

    def test_a_warning_is_void_once_it_was_stopped_kept_or_used(self) -> None:
        later = replace(SOON, at=SOON.at + timedelta(hours=1))
        assert is_still_true(card(at_rest(), end=SOON), News.ENDS_SOON, SOON)
        assert not is_still_true(card(at_rest(), end=later), News.ENDS_SOON, SOON)
        assert not is_still_true(card(at_rest(S.STOPPING)), News.ENDS_SOON, SOON)


class TestVitals:
    def test_spend_is_at_least_where_a_price_is_unknown(self) -> None:
        vitals = card(at_rest()).vitals
        assert describe_spend(vitals) == "at least $1.50"
        assert describe_spend(replace(vitals, is_spent_certain=True)) == "$1.50"

    def test_what_is_seen_of_one_that_answers_and_of_one_that_does_not(self) -> None:
        one = at_rest()
        busy = card(one, seen=pulse(one, requests_per_minute=3.2, tokens_per_minute=1234.5, queued=2)).vitals
        assert describe_activity(busy) == "3 requests and 1,234 tokens a minute, 2 waiting"
        assert describe_silence(one, busy, NOW) == ""
        silent = card(one, seen=pulse(one, unreachable_since=NOW)).vitals
        assert describe_activity(silent) == ""
        assert describe_silence(one, silent, NOW + timedelta(minutes=3)) == "has not answered for 3 min"

    def test_the_end_says_what_and_when(self) -> None:
        one = at_rest()
        end = replace(SOON, at=NOW + timedelta(minutes=80))
        assert describe_end(one, end, NOW) == "stops when idle for 2 hours: in 1 h 20 min unless used"
        kept = replace(one, keep_until=NOW + timedelta(hours=1))
        assert "kept until" in describe_end(kept, end, NOW)
        assert "is deleted at" in describe_end(one, replace(end, kind=EndKind.DELETION), NOW)
        assert describe_end(one, None, NOW) == ""


class TestUnknownMachines:
    def machine(self, name: str = "notebook") -> UnknownMachine:
        return UnknownMachine(
            provider="paperspace", machine_id="psx", name=name, type="A4000", region="NY2", first_seen_at=NOW,
            last_seen_at=NOW, fate=MachineFate.OPEN, is_told=False,
        )  # fmt: skip

    def test_it_says_what_it_is_and_what_it_costs(self) -> None:
        text = words(build_unknown_machine(self.machine(), Decimal("0.76"))[1])
        for part in ("`notebook`", "`psx`", "A4000", "NY2", "$0.76 per hour", "no server of Prime has it"):
            assert part in text, part
        assert "another installation" not in text
        assert "price unknown" in words(build_unknown_machine(self.machine(), None)[1])

    def test_one_of_another_prime_is_told_as_such(self) -> None:
        machine = self.machine("prime-ab12cd-000007-llama")
        assert "another installation of Prime" in words(build_unknown_machine(machine, None)[1])
        assert proposed_name(machine) == "llama"

    def test_the_decision_names_who_and_what(self) -> None:
        ignored = replace(self.machine(), fate=MachineFate.IGNORED)
        assert "<@U0ADAM> decided to ignore it" in build_decided(ignored, by="U0ADAM", adopted_as=None)
        adopted = replace(self.machine(), fate=MachineFate.ADOPTED)
        assert "adopted it as *box*" in build_decided(adopted, by="U0ADAM", adopted_as="box")

    @settings(**cases(short=100, long=5000))
    @given(st.text(max_size=200))
    def test_the_proposed_name_is_one_that_a_server_may_have(self, name: str) -> None:
        proposed = proposed_name(self.machine(name))
        assert check_name(proposed) == proposed


class TestTheChart:
    def test_what_was_not_seen_is_a_gap_and_the_stretch_that_goes_on_counts_as_far_as_it_went(self) -> None:
        loads = [
            Load(since=NOW, generated_tokens=500, requests=1, queued=3),
            Load(since=NOW + 2 * STRETCH, generated_tokens=200, requests=1, queued=0),
        ]
        drawn = lines_of(loads, title="llama", now=NOW + 2 * STRETCH + timedelta(minutes=2))
        assert drawn.times == [NOW, NOW + STRETCH, NOW + 2 * STRETCH]
        assert drawn.left.values == [100, None, 100]
        assert drawn.right.values == [3, None, 0]


@settings(**cases(short=150, long=5000))
@given(
    news=st.sampled_from(News),
    state=st.sampled_from(S),
    reason=st.sampled_from(StopReason) | st.none(),
    kind=st.sampled_from(EndKind),
    text=st.text(max_size=3000) | st.just(HOSTILE),
)
def test_slack_takes_whatever_is_told(
    news: News, state: ServerState, reason: StopReason | None, kind: EndKind, text: str
) -> None:
    failure = Failure(kind=FailureKind.ENGINE, message=text or "x")
    one = at_rest(state, failure=failure, stop_reason=reason)
    end = replace(SOON, kind=kind)
    blocks = told(card(one, seen=pulse(one), end=end), news, end)
    machine = replace(TestUnknownMachines().machine(text), machine_id="psx")
    assert validate_message_blocks(_with_ids(build_unknown_machine(machine, None)[1])) == []
    for view in (build_keep_modal(one, until=NOW), build_adopt_modal(machine)):
        assert validate_view({**view, "blocks": _with_ids(view["blocks"])}) == []
    for bad in ("<!channel>", "<@U0ADAM>", "<https://evil"):
        assert bad not in words(blocks)


def _with_ids(blocks: list[Block]) -> list[Block]:
    return [{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)]
