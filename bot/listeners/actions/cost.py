"""The buttons of `/prime cost`."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.actor import Actor
from bot.charts import draw
from bot.direct import direct_channel
from bot.files import upload
from bot.forms import number_in
from bot.sender import Respond, Sender
from bot.views.budgets import build_budgets
from bot.views.cost import describe_spend_chart, spend_chart
from bot.views.kit import section
from core.access.permissions import Permission
from core.errors import UnavailableError
from core.services import Services

Pressed = Mapping[str, Any]


async def handle_cost_chart(
    ack: AsyncAck, action: Pressed, client: Sender, actor: Actor, services: Services, respond: Respond
) -> None:
    principal = await actor.may(Permission.SEE_COSTS)
    days = number_in(action.get("value"))
    report = await services.costs.report(principal, days)
    chart = spend_chart(report, days=days)
    direct = await direct_channel(client, actor.person.user)
    if direct is None:
        raise UnavailableError("Prime cannot write to you directly, which is where the chart would be.")
    await upload(
        client,
        channel=direct,
        name="cost.png",
        title=chart.title,
        alt_text=describe_spend_chart(report),
        data=await draw(chart),
    )
    await ack()
    text = "The chart is in your direct messages with Prime."
    await respond({"response_type": "ephemeral", "replace_original": False, "text": text, "blocks": [section(text)]})


async def handle_cost_budgets(
    ack: AsyncAck, body: Pressed, client: AsyncWebClient, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.MANAGE_BUDGETS)
    limits = await services.costs.limits(principal)
    await client.views_open(trigger_id=body["trigger_id"], view=build_budgets(limits))
    await ack()
