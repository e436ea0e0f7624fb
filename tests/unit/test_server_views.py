"""What people read of servers: whatever state one is in and whatever words are in it, Slack takes it, and no word of a
person or a machine becomes more than text."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.ids import Action
from bot.views.kit import Block
from bot.views.moments import span
from bot.views.server_card import build_card
from bot.views.servers import (
    build_delete_modal,
    build_home_servers,
    build_servers,
    build_start_modal,
    build_stop_modal,
)
from bot.views.usage import build_key_modal, build_usage, build_usage_modal
from core.access.model import Role
from core.catalog.model import Choice, EngineKind, EngineOptions, Fit, Gpu, Offer, YesNo
from core.servers.model import (
    Failure,
    FailureKind,
    RunningCost,
    Server,
    ServerCard,
    ServerPage,
    ServerState,
)
from core.servers.rules import still_costs
from core.watch.model import Vitals
from lab.slack.blocks import validate_message_blocks, validate_view
from lab.slack.screen import words
from tests.profiles import cases
from tests.servers import HARDWARE, NOW, SPEC, server

S = ServerState
HOSTILE = "<!channel> & <@U0ADAM> `x` <https://evil.example|here>"
VITALS = Vitals(pulse=None, end=None, spent_usd=Decimal("1.25"), is_spent_certain=True)
RUNS = {"machine_id": "ps1", "address": "203.0.113.4", "fingerprint": "ab" * 32}


def offer(type_: str = "A5000") -> Offer:
    return Offer(
        provider="paperspace",
        type=type_,
        gpu=Gpu(name="RTX A5000", memory_gib=24, compute_capability=(8, 6)),
        gpu_count=1,
        vcpus=8,
        ram_gib=45,
        price_usd_per_hour=Decimal("1.38"),
        regions={"NY2": YesNo.YES},
    )


def choice(type_: str = "A5000") -> Choice:
    fits = Fit(
        fits=True,
        constraint=None,
        reason="",
        needed_gib_per_gpu=None,
        available_gib_per_gpu=None,
        disk_needed_gb=None,
    )
    return Choice(offer=offer(type_), region="NY2", fit=fits)


def card(one: Server, **changes: Any) -> ServerCard:
    values: dict[str, Any] = {
        "server": one,
        "url": None if one.address is None else f"https://{one.address}:8080",
        "expected_seconds": None,
        "still_costs": still_costs(one),
        "alternatives": (),
        "vitals": VITALS,
    }
    return ServerCard(**(values | changes))


def shown(one: ServerCard, *, role: Role = Role.READ_WRITE, after: float = 75, private: bool = False) -> list[Block]:
    _, blocks = build_card(one, role=role, now=NOW + timedelta(seconds=after), private=private)
    assert validate_message_blocks(_with_ids(blocks)) == []
    return blocks


def buttons(blocks: list[Block]) -> list[str]:
    found = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    found += [block["accessory"] for block in blocks if "accessory" in block]
    return [element["text"]["text"] for element in found]


def failed(kind: FailureKind = FailureKind.NO_CAPACITY, **changes: Any) -> Server:
    return server(state=S.FAILED, failure=Failure(kind=kind, message="The cloud has none."), **changes)


class TestTheCard:
    def test_tells_all_that_is_known(self) -> None:
        text = words(shown(card(server(state=S.READY, ready_at=NOW, checked_at=NOW, **RUNS)), private=True))
        for part in (
            "llama", ":large_green_circle: ready", "https://203.0.113.4:8080", SPEC.model, "TGI", "RTX A4000, 16 GB",
            "8 vCPU, 45 GB of RAM", "$0.76 per hour", "100 GB · $7.00 a month", SPEC.region, "ML-in-a-Box 20.04", "ps1",
            "<@U0BEA>", "for the team", "Last checked", "Direct access",
        ):  # fmt: skip
            assert part in text, part

    def test_in_a_channel_is_short_and_leads_to_the_rest(self) -> None:
        blocks = shown(card(server(state=S.READY, ready_at=NOW, **RUNS)))
        text = words(blocks)
        for part in ("llama", ":large_green_circle: ready", SPEC.model, "RTX A4000", "$0.76 per hour", "<@U0BEA>"):
            assert part in text, part
        assert "Last checked" not in text
        assert buttons(blocks) == ["Stop", "Delete", "Logs", "Usage", "Details"]

    @pytest.mark.parametrize("state", [S.ORDERED, S.BOOTING, S.STARTING, S.PULLING, S.LOADING])
    def test_says_how_far_it_is_and_never_the_word_for_the_end(self, state: ServerState) -> None:
        text = words(shown(card(server(state=state, progress="pulled 3 of 9"), expected_seconds=(240.4, 360))))
        assert f": {state}\n" in text
        assert "▰" in text
        assert "1 min 15 s so far; similar servers took 4 min to 6 min lately" in text
        assert "pulled 3 of 9" in text
        assert "ready" not in text

    def test_the_bar_only_grows_on_the_way_up(self) -> None:
        way = [S.ORDERED, S.BOOTING, S.PULLING, S.LOADING]
        lengths = [words(shown(card(server(state=state)))).count("▰") for state in way]
        assert lengths == sorted(set(lengths))

    def test_a_failure_says_what_failed_what_costs_and_where_to_go(self) -> None:
        blocks = shown(card(failed(), alternatives=[choice("A5000"), choice("A6000")]))
        text = words(blocks)
        assert "What failed: no capacity.* The cloud has none." in text
        assert "Nothing of it costs money now." in text
        assert "*A5000 in NY2*: $1.38 per hour, 24 GB of GPU memory" in text
        assert buttons(blocks) == ["Delete", "Logs", "Usage", "Details", "Try A5000 in NY2", "Try A6000 in NY2"]
        values = [block["accessory"]["value"] for block in blocks if "accessory" in block]
        assert values == ["1|A5000|NY2", "1|A6000|NY2"]

    def test_a_failure_with_a_machine_says_that_it_costs(self) -> None:
        blocks = shown(card(failed(FailureKind.ENGINE, machine_id="ps1")))
        assert "may still run and cost its full price, $0.76 an hour" in words(blocks)
        assert buttons(blocks) == ["Start", "Stop", "Delete", "Logs", "Usage", "Details"]

    def test_a_stopped_server_says_what_still_costs_and_what_is_not_certain(self) -> None:
        text = words(shown(card(server(state=S.STOPPED, machine_id="ps1"))))
        assert "Whether the cloud also bills a stopped machine by the hour is not certain" in text

    def test_a_deleted_one_has_nothing_left_to_press(self) -> None:
        blocks = shown(card(server(state=S.DELETED, machine_id="ps1")))
        assert buttons(blocks) == []
        assert ": deleted" in words(blocks)

    @pytest.mark.parametrize(
        ("role", "names"),
        [
            (Role.READ, ["Logs", "Usage", "Chart", "Refresh"]),
            (Role.READ_WRITE, ["Stop", "Delete", "Logs", "Usage", "Chart", "Refresh"]),
            (Role.ADMIN, ["Stop", "Delete", "Logs", "Usage", "Answers", "Chart", "Refresh"]),
        ],
    )
    def test_one_alone_sees_what_their_role_may_press(self, role: Role, names: list[str]) -> None:
        assert buttons(shown(card(server(state=S.READY, **RUNS)), role=role, private=True)) == names

    def test_stopping_asks_first_and_says_what_goes_on_costing(self) -> None:
        blocks = shown(card(server(state=S.READY, **RUNS)))
        [stop] = [
            one for block in blocks for one in block.get("elements", ()) if one.get("action_id") == Action.SERVER_STOP
        ]
        assert "disk of 100 GB" in stop["confirm"]["text"]["text"]
        assert stop["confirm"]["confirm"]["text"] == "Stop"


class TestSlackTakesIt:
    @settings(**cases(short=150, long=5000))
    @given(
        state=st.sampled_from(S),
        kind=st.sampled_from(FailureKind),
        has_machine=st.booleans(),
        text=st.text(max_size=3000) | st.just(HOSTILE),
        role=st.sampled_from([Role.READ, Role.READ_WRITE, Role.ADMIN]),
        seconds=st.floats(min_value=-10, max_value=1e8),
        engine=st.sampled_from(EngineKind),
    )
    def test_whatever_is_in_it(
        self, state: ServerState, kind: FailureKind, has_machine: bool, text: str, role: Role, seconds: float,
        engine: EngineKind,
    ) -> None:  # fmt: skip
        spec = replace(
            SPEC, description=text[:200], engine=engine, options=EngineOptions(weights_cache_override=text[:200])
        )
        one = server(
            state=state,
            spec=spec,
            progress=text,
            failure=Failure(kind=kind, message=text or "x"),
            allows_direct_access=len(text) % 2 == 0,
            **(RUNS if has_machine else {}),
        )
        now = NOW + timedelta(seconds=seconds)
        page = ServerPage(servers=[one] * 10, total=30, next_after=1)
        cost = RunningCost(usd_per_hour=Decimal("12.30"), unpriced=1)
        full = card(one, alternatives=[choice("A5000"), choice("A6000"), choice("A100")], expected_seconds=(1.5, 7000))
        usage = build_usage(full, role=role)[1]
        pages = [
            shown(full, role=role, private=has_machine),
            build_servers(page, {1: VITALS}, text=text[:100], is_first=False, now=now),
            usage,
        ]
        views = [
            {"type": "home", "blocks": build_home_servers(page, cost, {1: VITALS}, role=role, is_first=False, now=now)},
            build_usage_modal(full, role=role),
            build_key_modal(one, "key"),
            build_start_modal(one),
            build_stop_modal(one),
            build_delete_modal(one),
        ]
        for blocks in pages:
            assert validate_message_blocks(_with_ids(blocks)) == []
        for view in views:
            assert validate_view({**view, "blocks": _with_ids(view["blocks"])}) == []
        if text == HOSTILE:
            everything = json.dumps([pages, views], ensure_ascii=False)
            for bad in ("<!channel>", "<@U0ADAM>", "<https://evil"):
                assert _only_in_values(everything, bad)


class TestTheList:
    def test_a_line_has_name_state_model_engine_gpu_price_and_time(self) -> None:
        up = server(state=S.READY, ready_at=NOW - timedelta(hours=26))
        page = ServerPage(servers=[up], total=1, next_after=None)
        text = words(build_servers(page, {1: VITALS}, text="", is_first=True, now=NOW))
        assert "*llama*  :large_green_circle: ready · up 1 d 2 h\n" in text
        assert "Qwen/Qwen3-4B-Instruct-2507 · TGI · RTX A4000, 16 GB · $0.76 per hour" in text

    def test_an_unknown_price_is_said(self) -> None:
        one = server(hardware=replace(HARDWARE, price_usd_per_hour=None, gpu_count=2))
        page = ServerPage(servers=[one], total=1, next_after=None)
        text = words(build_servers(page, {1: VITALS}, text="", is_first=True, now=NOW))
        assert "2 × RTX A4000, 16 GB each · price unknown" in text

    def test_pages_carry_what_was_searched(self) -> None:
        page = ServerPage(servers=[server()], total=30, next_after=7)
        blocks = build_servers(page, {1: VITALS}, text="a|b", is_first=False, now=NOW)
        assert [element["value"] for element in blocks[-1]["elements"]] == ["|a|b", "7|a|b"]


class TestHome:
    @pytest.mark.parametrize(("role", "creates"), [(Role.READ, False), (Role.READ_WRITE, True), (Role.ADMIN, True)])
    def test_who_may_create_is_offered_it(self, role: Role, creates: bool) -> None:
        page = ServerPage(servers=[], total=0, next_after=None)
        cost = RunningCost(usd_per_hour=Decimal(0), unpriced=0)
        blocks = build_home_servers(page, cost, {1: VITALS}, role=role, is_first=True, now=NOW)
        assert ("Create a server" in buttons(blocks)) is creates
        assert "*$0.00 per hour*" in words(blocks)


class TestUsage:
    def page(self, role: Role = Role.READ, **changes: Any) -> list[Block]:
        return build_usage(card(server(state=S.READY, **(RUNS | changes))), role=role)[1]

    def test_the_real_address_and_the_key_as_a_variable(self) -> None:
        text = words(self.page())
        for part in ("203.0.113.4:8080", "$KEY", 'os.environ["KEY"]', "process.env.KEY", '"model": "tgi"', "top_p"):
            assert part in text, part
        assert "AB:AB:AB" in text
        assert "1.0 is refused" in text

    def test_vllm_is_called_by_the_model_s_own_name(self) -> None:
        text = words(self.page(spec=replace(SPEC, engine=EngineKind.VLLM)))
        assert f'"model": "{SPEC.model}"' in text
        assert "1.0 is refused" not in text

    def test_the_limits_are_those_that_it_was_launched_with(self) -> None:
        options = EngineOptions(max_total_tokens=4096, max_input_tokens=3000, max_stop_sequences=7, max_best_of=3)
        text = words(self.page(spec=replace(SPEC, options=options)))
        for part in (
            "at most 4,096 tokens",
            "at most 3,000 tokens",
            "a list of at most 7",
            "at most 3",
            "128 requests",
        ):
            assert part in text, part

    @pytest.mark.parametrize(
        ("role", "allowed", "names"),
        [
            (Role.READ, False, []),
            (Role.READ_WRITE, False, []),
            (Role.ADMIN, False, ["Allow direct access"]),
            (Role.READ, True, []),
            (Role.READ_WRITE, True, ["Reveal key"]),
            (Role.ADMIN, True, ["Reveal key", "Forbid direct access"]),
        ],
    )
    def test_the_way_past_redaction(self, role: Role, allowed: bool, names: list[str]) -> None:
        blocks = self.page(role, allows_direct_access=allowed)
        assert buttons(blocks) == names
        assert ("Redaction does not apply there" in words(blocks)) is (allowed or role is Role.ADMIN)

    def test_without_an_address_it_says_why(self) -> None:
        one = card(server(state=S.STOPPED, machine_id="ps1"))
        text = words(build_usage(one, role=Role.READ)[1])
        assert "It has no address now: it is stopped." in text


@pytest.mark.parametrize(
    ("seconds", "words_"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
        (349_200, "4 d 1 h"),
    ],
)
def test_a_span_has_its_two_largest_units(seconds: float, words_: str) -> None:
    assert span(timedelta(seconds=seconds)) == words_


def _with_ids(blocks: list[Block]) -> list[Block]:
    return [{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)]


def _only_in_values(everything: str, bad: str) -> bool:
    """A button's value is not shown, and comes back as it is."""
    return all(piece.rpartition('"')[0].endswith('"value": ') for piece in everything.split(bad)[:-1])
