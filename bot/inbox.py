"""Storing what leads to work before Slack's delivery is acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from bot import metrics
from bot.ids import Action
from core.errors import DatabaseUnavailableError
from core.inbox.model import Claim, Delivery, DeliveryKind
from core.inbox.service import Inbox

STORE_SECONDS = 1.5
"""Of the three that Slack waits, what storing may take: the rest is for saying that it failed."""

PROMPT_SUBTYPES = (None, "file_share", "thread_broadcast")
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
    }
)
"""What is pressed or chosen in a modal that is drawn anew after each, in their order."""

_CLAIM = "claim"

Middleware = Callable[..., Awaitable[BoltResponse | None]]


def inbox_middleware(inbox: Inbox, *, bot_user: str, wake: Callable[[], None]) -> Middleware:
    """Answers 200 for what it stored, and lets all else and what comes from the inbox pass. `wake` is called when there
    is something new. Raises DatabaseUnavailableError: then nothing was acknowledged."""

    async def store_work(
        body: dict[str, Any], context: AsyncBoltContext, next_: Callable[[], Awaitable[None]]
    ) -> BoltResponse | None:
        delivery = None if claim_of(context) else classify(body, bot_user=bot_user)
        if delivery is None:
            await next_()
            return None
        try:
            async with asyncio.timeout(STORE_SECONDS):
                is_new = await inbox.accept(delivery)
        except TimeoutError as error:
            raise DatabaseUnavailableError from error
        metrics.deliveries.labels(kind=delivery.kind, fate="stored" if is_new else "duplicate").inc()
        if is_new:
            wake()
        return BoltResponse(status=200)

    return store_work


def context_of(claim: Claim) -> dict[str, Any]:
    """The Bolt context by which a request is known to come from the inbox."""
    return {_CLAIM: claim}


def claim_of(context: Mapping[str, Any]) -> Claim | None:
    """The claim under which a request is worked on; None for one that Slack waits for."""
    return context.get(_CLAIM)


def classify(body: Mapping[str, Any], *, bot_user: str) -> Delivery | None:
    """What to store of a request; None for what is answered inline or by nobody."""
    match body:
        case {"type": "event_callback", "event": event} if is_prompt(event, bot_user=bot_user):
            return _prompt(body, event)
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


def is_prompt(event: Mapping[str, Any], *, bot_user: str) -> bool:
    """Whether somebody talks to Prime: mentions it, or writes to it directly. A mention in a channel that Prime reads
    comes twice, as `app_mention` and as `message`, in any order."""
    if event.get("bot_id") or not event.get("user"):
        return False
    if event.get("type") == "app_mention":
        return True
    if event.get("type") != "message" or event.get("subtype") not in PROMPT_SUBTYPES:
        return False
    return event.get("channel_type") == "im" or f"<@{bot_user}>" in event.get("text", "")


def _pressed(body: Mapping[str, Any], *, order_key: str | None = None) -> Delivery:
    action: Mapping[str, Any] = body["actions"][0]
    key = f"pressed/{body['user']['id']}/{action['action_id']}/{action['action_ts']}"
    return Delivery(kind=DeliveryKind.INTERACTION, payload=dict(body), work_key=key, order_key=order_key)


def _event(body: Mapping[str, Any], *, order_key: str) -> Delivery:
    return Delivery(kind=DeliveryKind.EVENT, payload=dict(body), event_id=body["event_id"], order_key=order_key)


def _prompt(body: Mapping[str, Any], event: Mapping[str, Any]) -> Delivery:
    channel = f"{body['team_id']}/{event['channel']}"
    edited = (event.get("edited") or {}).get("ts", "-")
    return Delivery(
        kind=DeliveryKind.EVENT,
        payload=dict(body),
        event_id=body["event_id"],
        work_key=f"prompt/{channel}/{event['ts']}/{edited}",
        order_key=f"thread/{channel}/{event.get('thread_ts') or event['ts']}",
    )
