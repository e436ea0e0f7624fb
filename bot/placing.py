"""Showing the message that becomes an answer."""

from datetime import datetime

import structlog

from bot.replies import SlackReplies
from core.access.model import Principal
from core.errors import ConflictError
from core.services import Services
from core.talk.model import Asked, TurnState

_log = structlog.get_logger(__name__)


async def place(
    asked: Asked, *, actor: Principal, services: Services, replies: SlackReplies, look_since: datetime | None
) -> None:
    """Posts it, unless it stands already, and lets the answer begin. `look_since`: since when it may have been posted
    by somebody who died over it.

    Raises ConflictError where Slack lets Prime not write."""
    turn = asked.turn
    if turn is None or turn.parts or turn.state not in (TurnState.NEW, TurnState.OFFERED):
        return
    ts = await replies.placeholder(asked, look_since=look_since)
    if ts is None:
        await services.talk.stop(actor, turn.id)
        _log.info("answer_has_no_place", turn=turn.id)
        raise ConflictError(
            "Prime cannot write there: it is no member, or the channel is closed. Invite it with `/invite @Prime`, "
            "or write to it directly."
        )
    await services.talk.placed(turn.id, ts)
