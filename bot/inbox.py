"""Storing what leads to work before Slack's delivery is acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from bot import metrics
from bot.ids import Action
from bot.messages import Said, said_in
from core.errors import DatabaseUnavailableError
from core.inbox.model import Claim, Delivery, DeliveryKind
from core.inbox.service import Inbox
from core.talk.model import Thread

STORE_SECONDS = 1.5
"""Of the three that Slack waits, what storing may take: the rest is for saying that it failed."""

IN_A_THREAD = frozenset[str](
    {
        Action.TALK_STOP,
        Action.TALK_RETAKE,
        Action.TALK_RETRY,
        Action.TALK_MORE,
        Action.TALK_UNDO,
        Action.TALK_CLEAR,
        Action.TALK_UP,
        Action.TALK_DOWN,
        Action.TALK_READ_THREAD,
        Action.TALK_ASK_EDITED,
        Action.TALK_START,
        Action.TALK_CHOOSE,
        Action.WARNING_REDACTED,
        Action.WARNING_AS_IS,
        Action.WARNING_CANCEL,
        Action.WARNING_SHOW,
        Action.TURN_REVEAL,
    }
)
"""What is pressed at an answer: in one line with what is said in its thread."""
WORK_ACTIONS = frozenset[str](
    {
        Action.MENU_HELP,
        Action.HOME_PAGE,
        Action.HOME_FIRST,
        Action.ADMIN_CLAIM,
        Action.REQUEST_APPROVE,
        Action.REQUEST_WITHDRAW,
        Action.USERS_PAGE,
        Action.USERS_FIRST,
        Action.AUDIT_OLDER,
        Action.HOME_SERVERS_PAGE,
        Action.HOME_SERVERS_FIRST,
        Action.SERVERS_PAGE,
        Action.SERVERS_FIRST,
        Action.SERVER_OPEN,
        Action.SERVER_REFRESH,
        Action.SERVER_START,
        Action.SERVER_STOP,
        Action.SERVER_KEEP,
        Action.SERVER_CHART,
        Action.COST_CHART,
        Action.SPEND_ASK_START,
        Action.SPEND_APPROVE,
        Action.SPEND_WITHDRAW,
        Action.MACHINE_IGNORE,
        Action.LOGS_ALL,
        Action.LOGS_WARNINGS,
        Action.LOGS_ERRORS,
        Action.LOGS_REFRESH,
        Action.PROPOSAL_APPROVE,
        Action.PROPOSAL_DENY,
        *IN_A_THREAD,
    }
)
"""Buttons that are worked on from the inbox. The others open or check a modal, which is answered inline."""
IN_A_FORM = frozenset[str](
    {
        Action.CREATE_CHOOSE,
        Action.CREATE_MODEL,
        Action.CREATE_USE,
        Action.KEY_CHECK,
        Action.KEY_REMOVE,
        Action.CATALOG_MODELS,
        Action.CATALOG_MACHINES,
        Action.CATALOG_TEMPLATES,
        Action.CATALOG_LIMITS,
        Action.CATALOG_CLOUD,
        Action.CATALOG_PREVIOUS,
        Action.CATALOG_NEXT,
        Action.CATALOG_REMOVE_MODEL,
        Action.CATALOG_HIDE,
        Action.CATALOG_SHOW,
        Action.CATALOG_HIDE_TEMPLATE,
        Action.CATALOG_SHOW_TEMPLATE,
        Action.TALK_SCOPE,
        Action.TALK_RESET,
        Action.THREAD_FORGET,
    }
)
"""What is pressed or chosen in a modal that is drawn anew after each, in their order."""

_CLAIM = "claim"

Middleware = Callable[..., Awaitable[BoltResponse | None]]
IsHeard = Callable[[Thread], Awaitable[bool]]
"""Whether a reply in a thread is for Prime, without a mention. Raises DatabaseUnavailableError."""


class Intake:
    """Takes what leads to work into the inbox."""

    def __init__(self, inbox: Inbox, *, bot_user: str, is_heard: IsHeard, wake: Callable[[], None]) -> None:
        """`wake` is called when there is something new."""
        self._inbox = inbox
        self._bot_user = bot_user
        self._is_heard = is_heard
        self._wake = wake

    async def take(self, body: Mapping[str, Any]) -> bool:
        """Whether it leads to work; then it is stored, or was before. Raises DatabaseUnavailableError."""
        try:
            async with asyncio.timeout(STORE_SECONDS):
                delivery = await self._delivery(body)
                if delivery is None:
                    return False
                is_new = await self._inbox.accept(delivery)
        except TimeoutError as error:
            raise DatabaseUnavailableError from error
        metrics.deliveries.labels(kind=delivery.kind, fate="stored" if is_new else "duplicate").inc()
        if is_new:
            self._wake()
        return True

    async def _delivery(self, body: Mapping[str, Any]) -> Delivery | None:
        thread = overheard_in(body, bot_user=self._bot_user)
        if thread is not None:
            return _prompt(body) if await self._is_heard(thread) else None
        return classify(body, bot_user=self._bot_user)


def inbox_middleware(intake: Intake) -> Middleware:
    """Answers 200 for what it stored, and lets all else and what comes from the inbox pass. Raises
    DatabaseUnavailableError: then nothing was acknowledged."""

    async def store_work(
        body: dict[str, Any], context: AsyncBoltContext, next_: Callable[[], Awaitable[None]]
    ) -> BoltResponse | None:
        if claim_of(context) is None and await intake.take(body):
            return BoltResponse(status=200)
        await next_()
        return None

    return store_work


def context_of(claim: Claim) -> dict[str, Any]:
    """The Bolt context by which a request is known to come from the inbox."""
    return {_CLAIM: claim}


def claim_of(context: Mapping[str, Any]) -> Claim | None:
    """The claim under which a request is worked on; None for one that Slack waits for."""
    return context.get(_CLAIM)


def look_since_of(context: Mapping[str, Any]) -> datetime | None:
    """Since when some of the work of a request may be done already; None: it is taken up for the first time."""
    claim = claim_of(context)
    return claim.received_at if claim is not None and claim.tries > 1 else None


def classify(body: Mapping[str, Any], *, bot_user: str) -> Delivery | None:
    """What to store of a request; None for what is answered inline or by nobody."""
    match body:
        case {"type": "event_callback", "event": {"type": "message" | "app_mention"}}:
            said = said_in(body["event"], team=body["team_id"])
            return _prompt(body) if said is not None and is_to_prime(said, bot_user=bot_user) else None
        case {"type": "block_actions", "actions": [{"action_id": action_id}, *_]} if action_id in IN_A_THREAD:
            return _pressed(body, order_key=_thread_of(body))
        case {"type": "block_actions", "actions": [{"action_id": action_id}, *_]} if action_id in WORK_ACTIONS:
            return _pressed(body)
        case {
            "type": "block_actions",
            "actions": [{"action_id": action_id}, *_],
            "view": {"id": view},
        } if action_id in IN_A_FORM:
            return _pressed(body, order_key=f"view/{view}")
        case {"type": "event_callback", "event": {"type": "app_home_opened", "tab": "home", "user": user}}:
            return _event(body, order_key=f"home/{user}")
        case {"type": "event_callback", "event": {"type": "user_change" | "team_join", "user": {"id": user}}}:
            return _event(body, order_key=f"person/{user}")
        case {"type": "event_callback", "event": {"type": "subteam_members_changed", "subteam_id": group}}:
            return _event(body, order_key=f"group/{group}")
        case {
            "type": "event_callback",
            "event": {"type": "subteam_updated" | "subteam_created", "subteam": {"id": group}},
        }:
            return _event(body, order_key=f"group/{group}")
        case _:
            return None


def overheard_in(body: Mapping[str, Any], *, bot_user: str) -> Thread | None:
    """The thread in which somebody said something without a word to Prime, which is work only if Prime talks there. Of
    what was edited, that is also a message which a thread may hang on."""
    match body:
        case {"type": "event_callback", "event": {"type": "message"} as event}:
            said = said_in(event, team=body["team_id"])
            if said is None or is_to_prime(said, bot_user=bot_user):
                return None
            return said.thread if said.is_reply or said.is_edit else None
        case _:
            return None


def is_to_prime(said: Said, *, bot_user: str) -> bool:
    """Whether it mentions Prime or is written to it directly."""
    return said.is_direct or said.mentions(bot_user)


def _pressed(body: Mapping[str, Any], *, order_key: str | None = None) -> Delivery:
    action: Mapping[str, Any] = body["actions"][0]
    key = f"pressed/{body['user']['id']}/{action['action_id']}/{action['action_ts']}"
    return Delivery(kind=DeliveryKind.INTERACTION, payload=dict(body), work_key=key, order_key=order_key)


def _event(body: Mapping[str, Any], *, order_key: str) -> Delivery:
    return Delivery(kind=DeliveryKind.EVENT, payload=dict(body), event_id=body["event_id"], order_key=order_key)


def _prompt(body: Mapping[str, Any]) -> Delivery:
    """A mention in a channel comes twice, as `app_mention` and as `message`, in any order."""
    said = said_in(body["event"], team=body["team_id"])
    assert said is not None
    channel = f"{said.team}/{said.channel}"
    key = f"edit/{channel}/{said.ts}/{said.edited_ts}" if said.is_edit else f"prompt/{channel}/{said.ts}/-"
    return Delivery(
        kind=DeliveryKind.EVENT,
        payload=dict(body),
        event_id=body["event_id"],
        work_key=key,
        order_key=f"thread/{channel}/{said.thread_ts}",
    )


def _thread_of(body: Mapping[str, Any]) -> str:
    container: Mapping[str, Any] = body.get("container") or {}
    message: Mapping[str, Any] = body.get("message") or {}
    ts = container.get("thread_ts") or message.get("thread_ts") or container.get("message_ts")
    return f"thread/{(body.get('team') or {}).get('id')}/{container.get('channel_id')}/{ts}"
