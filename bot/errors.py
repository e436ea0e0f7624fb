"""The one error handler: an error becomes a sentence where the person is."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError

from bot.forms import input_of
from bot.inbox import claim_of
from bot.log import log_unexpected
from bot.requests import Place, RequestKind, kind_of, place_of
from bot.sender import Sender, SlackUnavailableError
from bot.views.kit import Block
from bot.views.problem import build_problem_modal
from core.errors import InvalidInputError, PrimeError, UnavailableError
from core.inbox.rules import MAX_ATTEMPTS

TELL_SECONDS = 1.0
"""Of the three that Slack waits for an answer, what telling may take."""

OK = 200
FAILED = 500
"""For the worker: it ended, and the person knows."""
COME_AGAIN = 503
"""For Slack: not acknowledged, so deliver it again. For the worker: not ended, so try again."""

_log = structlog.get_logger(__name__)

ErrorHandler = Callable[[Exception, dict[str, Any], AsyncBoltContext], Awaitable[BoltResponse]]


def error_handler(sender: Sender) -> ErrorHandler:
    """For AsyncApp.error; the response is what Slack, or the worker, gets."""

    async def handle(error: Exception, body: dict[str, Any], context: AsyncBoltContext) -> BoltResponse:
        claim = claim_of(context)
        if claim is not None:
            if _may_go_better(error) and claim.attempt < MAX_ATTEMPTS:
                _log.warning("work_put_off", delivery=claim.id, attempt=claim.attempt, error=type(error).__name__)
                return BoltResponse(status=COME_AGAIN)
            await tell_the_end(sender, place_of(body), sentence_for(error, delivery=claim.id))
            return BoltResponse(status=FAILED)
        return await _answer(sender, error, body)

    return handle


def sentence_for(error: Exception, **facts: Any) -> str:
    """What a person is told of an error; an unexpected one goes to the log under the reference that they are given."""
    if isinstance(error, PrimeError):
        return str(error)
    if _came_late(error):
        _log.warning("came_late", **facts)
        return "Slack waited no longer for Prime to open this. Please try again."
    if isinstance(error, SlackApiError):
        facts["slack_error"] = str(error.response["error"])
    reference = log_unexpected("request_failed", error, **facts)
    return (
        f"Something went wrong on Prime's side (reference {reference}). Please try again; if it happens again, "
        "tell your admins the reference."
    )


async def tell(sender: Sender, place: Place, sentence: str, blocks: Sequence[Block] | None = None) -> None:
    """Shows the sentence, or the blocks that say it, to the person alone, where they are, or else in their direct
    messages.

    Raises SlackUnavailableError, SlackApiError."""
    message: dict[str, Any] = {"text": sentence} if blocks is None else {"text": sentence, "blocks": blocks}
    if place.response_url and await sender.respond(
        place.response_url, {"response_type": "ephemeral", "replace_original": False, **message}
    ):
        return
    if not place.user:
        return
    if place.channel and place.channel.startswith("D"):
        await sender.chat_postMessage(channel=place.user, thread_ts=place.thread_ts, **message)
        return
    try:
        if place.channel:
            await sender.chat_postEphemeral(
                channel=place.channel, user=place.user, thread_ts=place.thread_ts, **message
            )
            return
    except SlackApiError as error:
        _log.info("not_told_in_channel", error=str(error.response["error"]))  # where Prime is no member, say
    await sender.chat_postMessage(channel=place.user, **message)


async def tell_the_end(sender: Sender, place: Place, sentence: str) -> None:
    """As `tell`, of work that has ended. Whom Slack lets nobody tell, such as somebody who has left, is not told: else
    it would end again and again. Raises SlackUnavailableError."""
    try:
        await tell(sender, place, sentence)
    except SlackApiError as error:
        _log.warning("not_told", error=str(error.response["error"]))


def _may_go_better(error: Exception) -> bool:
    """Whether to try again later, without the risk of doing it twice."""
    if isinstance(error, SlackUnavailableError):
        return not error.maybe_done
    return isinstance(error, UnavailableError)


async def _answer(sender: Sender, error: Exception, body: Mapping[str, Any]) -> BoltResponse:
    kind = kind_of(body)
    if kind is RequestKind.EVENT:
        return _answer_to_event(error, body)
    if _came_before(error):
        _log.info("came_before", kind=kind)
        return BoltResponse(status=OK)
    if isinstance(error, BoltUnhandledRequestError):
        _log.info("not_handled", kind=kind)
        sentence = "Prime does not know this any more. `/prime help` shows what there is."
    else:
        sentence = sentence_for(error, kind=kind)
    match kind:
        case RequestKind.COMMAND:
            return _json({"response_type": "ephemeral", "text": sentence})
        case RequestKind.SUBMISSION:
            return _json(_answer_to_submission(error, body["view"], sentence))
        case RequestKind.OPTIONS:
            return _json({"options": []})
        case _:
            await _tell_in_time(sender, place_of(body), sentence)
            return BoltResponse(status=OK)


def _came_before(error: Exception) -> bool:
    """A delivery that came twice: for the first one, its trigger has opened a modal already."""
    return isinstance(error, SlackApiError) and error.response["error"] == "exchanged_trigger_id"


def _came_late(error: Exception) -> bool:
    """A trigger opens a modal for three seconds."""
    return isinstance(error, SlackApiError) and error.response["error"] in ("expired_trigger_id", "invalid_trigger_id")


def _answer_to_event(error: Exception, body: Mapping[str, Any]) -> BoltResponse:
    if isinstance(error, BoltUnhandledRequestError):
        return BoltResponse(status=OK)  # else Slack would deliver it again
    if isinstance(error, PrimeError):
        _log.warning("event_not_taken", error=type(error).__name__)
    else:
        log_unexpected("event_failed", error, event_type=body["event"].get("type"))
    return BoltResponse(status=COME_AGAIN)


def _answer_to_submission(error: Exception, view: Mapping[str, Any], sentence: str) -> dict[str, Any]:
    inputs = {
        input_of(block["block_id"]): block["block_id"] for block in view.get("blocks", []) if block["type"] == "input"
    }
    field = error.field if isinstance(error, InvalidInputError) else None
    if field in inputs:
        return {"response_action": "errors", "errors": {inputs[field]: sentence}}
    return {"response_action": "push", "view": build_problem_modal(sentence)}


async def _tell_in_time(sender: Sender, place: Place, sentence: str) -> None:
    try:
        async with asyncio.timeout(TELL_SECONDS):
            await tell(sender, place, sentence)
    except (TimeoutError, PrimeError, SlackApiError) as error:
        _log.warning("not_told", error=type(error).__name__)


def _json(body: dict[str, Any]) -> BoltResponse:
    return BoltResponse(status=OK, body=body)
