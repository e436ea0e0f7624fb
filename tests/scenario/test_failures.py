"""What people see, and Slack and the worker get, when something fails."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError

from bot.budgets import LocalBudgets
from bot.dispatch import dispatcher
from bot.errors import COME_AGAIN, FAILED, OK, error_handler
from bot.inbox import context_of
from bot.listeners import events
from bot.pacer import Pacer
from bot.sender import Sender, SlackUnavailableError
from bot.worker import Outcome
from core.clock import SystemClock
from core.errors import DatabaseUnavailableError, InvalidInputError, UnavailableError
from core.inbox.model import Claim, DeliveryKind
from core.inbox.rules import MAX_ATTEMPTS
from lab.slack.driver import Person
from lab.slack.screen import words
from lab.slack.server import SlackLab
from tests.prime import StartPrime, eventually

TYPED = "kumquat"


@pytest.fixture
async def sender(lab: SlackLab) -> AsyncIterator[Sender]:
    pacer = Pacer(LocalBudgets(), SystemClock())
    async with Sender(token=lab.bot_token, base_url=lab.api_url, pacer=pacer, clock=SystemClock()) as sender:
        yield sender


def claim_of_mention(nils: Person, *, attempt: int = 1) -> Claim:
    event = {"type": "app_mention", "user": nils.id, "channel": nils.channel("#general"), "ts": "1.0", "text": TYPED}
    return Claim(
        id=7,
        kind=DeliveryKind.EVENT,
        payload={"type": "event_callback", "team_id": "T0ACME", "event_id": "Ev1", "event": event},
        received_at=datetime.now(UTC),
        attempt=attempt,
        lease_until=datetime.now(UTC),
        holder="one",
    )


async def test_a_listener_that_fails_is_told_to_the_author_alone_and_its_delivery_has_ended(
    monkeypatch: pytest.MonkeyPatch, start_prime: StartPrime, nils: Person, lab: SlackLab
) -> None:
    calls: list[int] = []

    async def explode(event: dict[str, Any]) -> None:
        calls.append(1)
        raise ValueError(event["text"])

    for event_type in ("app_mention", "message"):  # whichever comes first
        monkeypatch.setitem(events.LISTENERS, event_type, explode)
    async with start_prime() as prime:
        await nils.says("#general", f"@Prime {TYPED}")
        told = await nils.sees("Something went wrong on Prime's side (reference")
        assert told["ephemeral"]
        assert TYPED not in words(told)

        async def is_done() -> bool:
            async with prime.session.get(f"{prime.url}/metrics") as answer:
                return 'prime_deliveries_total{fate="failed",kind="event"}' in await answer.text()

        await eventually(is_done)
    assert calls == [1]


class TestTheWorkersAnswer:
    async def test_what_may_go_better_comes_again_and_nobody_is_told(self, nils: Person, sender: Sender) -> None:
        handle = error_handler(sender)
        for error in (DatabaseUnavailableError(), SlackUnavailableError(maybe_done=False)):
            claim = claim_of_mention(nils)
            response = await handle(error, claim.payload, AsyncBoltContext(context_of(claim)))
            assert response.status == COME_AGAIN

    async def test_what_was_perhaps_done_is_not_done_twice(self, nils: Person, sender: Sender) -> None:
        claim = claim_of_mention(nils)
        error = SlackUnavailableError(maybe_done=True)
        response = await error_handler(sender)(error, claim.payload, AsyncBoltContext(context_of(claim)))
        assert response.status == FAILED
        await nils.sees("Slack did not answer Prime")

    async def test_the_last_attempt_is_told(self, nils: Person, sender: Sender) -> None:
        claim = claim_of_mention(nils, attempt=MAX_ATTEMPTS)
        error = DatabaseUnavailableError()
        response = await error_handler(sender)(error, claim.payload, AsyncBoltContext(context_of(claim)))
        assert response.status == FAILED
        await nils.sees("database is not answering")

    async def test_what_killed_its_workers_is_given_up_and_told(self, nils: Person, sender: Sender) -> None:
        work = dispatcher(cast("AsyncApp", None), sender, {})
        assert await work(claim_of_mention(nils, attempt=MAX_ATTEMPTS + 1)) is Outcome.FAILED
        assert (await nils.sees("did not get to the end of it"))["ephemeral"]

    async def test_a_notice_goes_to_its_notifier(self, nils: Person, sender: Sender) -> None:
        told: list[Any] = []

        async def tell(payload: Any) -> None:
            told.append(payload["user"])

        work = dispatcher(cast("AsyncApp", None), sender, {"role.changed": tell})
        claim = claim_of_mention(nils)
        notice = Claim(
            id=8,
            kind=DeliveryKind.NOTICE,
            payload={"notice": "role.changed", "user": "U1"},
            received_at=claim.received_at,
            attempt=1,
            lease_until=claim.lease_until,
            holder="one",
        )
        assert await work(notice) is Outcome.DONE
        assert told == ["U1"]
        with pytest.raises(UnavailableError):  # then it comes again, to a replica that knows it
            await work(replace(notice, payload={"notice": "of.a.newer.prime"}))


class TestSlacksAnswer:
    @pytest.fixture
    def context(self) -> AsyncBoltContext:
        return AsyncBoltContext({})

    async def test_an_event_that_could_not_be_taken_is_not_acknowledged(
        self, sender: Sender, context: AsyncBoltContext
    ) -> None:
        body = {"type": "event_callback", "event": {"type": "app_mention"}}
        for error in (DatabaseUnavailableError(), ValueError(TYPED)):
            assert (await error_handler(sender)(error, body, context)).status == COME_AGAIN

    async def test_an_event_that_nobody_handles_is(self, sender: Sender, context: AsyncBoltContext) -> None:
        body = {"type": "event_callback", "event": {"type": "app_mention"}}
        error = BoltUnhandledRequestError(request=cast("Any", None), current_response=None)
        assert (await error_handler(sender)(error, body, context)).status == OK

    async def test_a_wrong_input_is_told_at_the_input(self, sender: Sender, context: AsyncBoltContext) -> None:
        body = {"type": "view_submission", "view": {"blocks": [{"type": "input", "block_id": "reason"}]}}
        error = InvalidInputError("Too long.", field="reason")
        answer = await error_handler(sender)(error, body, context)
        assert json.loads(answer.body) == {"response_action": "errors", "errors": {"reason": "Too long."}}

    async def test_another_error_of_a_submission_is_a_modal_above_it(
        self, sender: Sender, context: AsyncBoltContext
    ) -> None:
        body = {"type": "view_submission", "view": {"blocks": [{"type": "input", "block_id": "reason"}]}}
        answer = json.loads((await error_handler(sender)(DatabaseUnavailableError(), body, context)).body)
        assert answer["response_action"] == "push"
        assert "database" in words(answer["view"])

    async def test_a_broken_menu_is_empty(self, sender: Sender, context: AsyncBoltContext) -> None:
        body = {"type": "block_suggestion", "action_id": "x", "block_id": "y"}
        answer = await error_handler(sender)(ValueError(TYPED), body, context)
        assert json.loads(answer.body) == {"options": []}
