"""From a claim to the listener, or the notice, that does its work."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.errors import FAILED, OK, tell_the_end
from bot.inbox import context_of
from bot.requests import place_of
from bot.sender import Sender
from bot.worker import Outcome, Work
from core.errors import UnavailableError
from core.inbox.model import Claim, DeliveryKind
from core.inbox.rules import MAX_ATTEMPTS

Notifier = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Sends what one kind of notice says; it may be called again for one that was perhaps sent. The payload has `delivery`
and `attempt`, how often it was taken up, beside the notice's own fields."""

_log = structlog.get_logger(__name__)


def dispatcher(app: AsyncApp, sender: Sender, notifiers: Mapping[str, Notifier]) -> Work:
    """`notifiers` by the payload's `notice`."""

    async def work(claim: Claim) -> Outcome:
        if claim.attempt > MAX_ATTEMPTS:
            return await give_up(claim)
        if claim.kind is DeliveryKind.NOTICE:
            payload = {**claim.payload, "delivery": claim.id, "attempt": claim.tries}
            notifier = notifiers.get(claim.payload["notice"])
            if notifier is None:
                raise UnavailableError("This is of a newer Prime, which is to tell it.")
            await notifier(payload)
            return Outcome.DONE
        request = AsyncBoltRequest(mode="socket_mode", body=claim.payload, context=context_of(claim))
        response = await app.async_dispatch(request)
        return {OK: Outcome.DONE, FAILED: Outcome.FAILED}.get(response.status, Outcome.AGAIN)

    async def give_up(claim: Claim) -> Outcome:
        _log.error("given_up", delivery=claim.id, kind=claim.kind)
        if claim.kind is not DeliveryKind.NOTICE:
            sentence = "Prime tried this several times and did not get to the end of it. Please try again."
            await tell_the_end(sender, place_of(claim.payload), sentence)
        return Outcome.FAILED

    return work
