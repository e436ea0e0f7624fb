"""Drawing the catalogue with what services tell of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.open_views import redraw_open
from bot.views.catalog import Facts, Place, Tab, build_catalog
from core.access.model import Principal
from core.access.permissions import Permission, may
from core.errors import NotFoundError
from core.services import Services

BELOW_SECONDS = 0.8
"""Of the three that Slack waits for a form's answer, what the list below may take; the rest is the form's own."""


async def draw_catalog(
    services: Services, actor: Principal, place: Place, *, note: str | None = None
) -> dict[str, Any]:
    """Raises AccessDeniedError, and NotFoundError for a cloud that there is none of."""
    clouds = await services.keys.clouds()
    if not place.cloud or place.tab in (Tab.MODELS, Tab.LIMITS):  # its key may be gone by now, which does no harm here
        place = replace(place, cloud=place.cloud if place.cloud in clouds else next(iter(clouds), ""))
    facts = Facts(clouds=clouds, can_edit=may(actor.role, Permission.EDIT_CATALOG))
    match place.tab:
        case Tab.MODELS:
            facts = replace(facts, models=await services.catalog.models(place.query))
        case Tab.LIMITS:
            facts = replace(facts, limits=await services.catalog.limits())
        case Tab.MACHINES | Tab.TEMPLATES if place.cloud:
            await check_cloud(services, place.cloud)
            overview = await services.catalog.overview(actor, place.cloud)
            facts = replace(facts, offers=overview.offers, hidden_templates=overview.hidden_templates)
        case _:
            pass
    return build_catalog(place, facts, note=note)


async def check_cloud(services: Services, cloud: str) -> None:
    """Raises NotFoundError."""
    if cloud not in await services.keys.clouds():
        raise NotFoundError("There is no key for this cloud any more. `/prime catalog` shows what there is.")


async def redraw_below(
    client: AsyncWebClient,
    services: Services,
    actor: Principal,
    place: Place,
    form: Mapping[str, Any],
    *,
    note: str,
) -> None:
    """The list from which a form was opened, when the form has been submitted. If that takes too long it stays as it
    is: what was changed was changed, and its buttons show it anew."""
    root = form.get("root_view_id")
    if not root or root == form.get("id"):
        return
    try:
        async with asyncio.timeout(BELOW_SECONDS):
            view = await draw_catalog(services, actor, place, note=note)
            await redraw_open(client, view, view_id=str(root))
    except TimeoutError:
        pass
