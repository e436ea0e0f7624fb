"""Budgets, submitted."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.forms import channel_of, is_changed, person_of, usd_of
from bot.ids import Input
from core.access.model import Principal
from core.access.permissions import Permission
from core.cost.model import EVERYBODY, WORKSPACE
from core.errors import InvalidInputError
from core.people.model import PersonId
from core.services import Services

EXAMPLE = "500 or 99.50"

View = Mapping[str, Any]


async def handle_budgets(ack: AsyncAck, view: View, client: AsyncWebClient, actor: Actor, services: Services) -> None:
    """All is read before anything is written, so that what cannot be read in one field changes none."""
    principal = await actor.may(Permission.MANAGE_BUDGETS)
    workspace, everybody, own = (
        usd_of(view, name, example=EXAMPLE)
        for name in (Input.WORKSPACE_BUDGET, Input.PEOPLE_BUDGET, Input.PERSON_BUDGET)
    )
    user, channel = person_of(view, Input.PERSON), channel_of(view, Input.DIGEST_CHANNEL)
    if user is None and own is not None:
        raise InvalidInputError("Choose whose budget this is.", field=Input.PERSON)
    if is_changed(view, Input.WORKSPACE_BUDGET):
        await _set(services, principal, WORKSPACE, workspace, Input.WORKSPACE_BUDGET)
    if is_changed(view, Input.PEOPLE_BUDGET):
        await _set(services, principal, EVERYBODY, everybody, Input.PEOPLE_BUDGET)
    if user is not None:
        scope = str(PersonId(principal.person.team, user))
        await _set(services, principal, scope, own, Input.PERSON_BUDGET)
    if is_changed(view, Input.DIGEST_CHANNEL):
        if channel is not None:
            await _try_channel(client, channel)
        await services.costs.set_digest(principal, channel)
    await ack()


async def _set(services: Services, actor: Principal, scope: str, usd: Decimal | None, field: Input) -> None:
    try:
        await services.costs.set_limit(actor, scope, usd)
    except InvalidInputError as error:
        raise InvalidInputError(str(error), field=field) from error


async def _try_channel(client: AsyncWebClient, channel: str) -> None:
    """Whether Prime can post there shows when it does."""
    text = "What servers cost will be told here each morning. An ADMIN asked for it with `/prime cost`."
    try:
        await client.chat_postMessage(channel=channel, text=text)
    except SlackApiError as error:
        raise InvalidInputError(
            "Prime cannot post there. Invite it to that channel first.", field=Input.DIGEST_CHANNEL
        ) from error
