"""Models to choose from: the catalogue's, and any whose full Hugging Face id is typed."""

import asyncio
from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actor import Actor
from bot.views.create import model_options, typed_model_option
from core.access.permissions import Permission
from core.catalog.model import Model
from core.catalog.published import is_model_id
from core.errors import UnavailableError
from core.services import Services

MOST = 100
LONGEST_VALUE = 150
"""Slack's limit for an option; Hugging Face's own ids have 96 characters at most."""
PATIENCE_SECONDS = 1.5


async def load_models(ack: AsyncAck, body: Mapping[str, Any], actor: Actor, services: Services) -> None:
    await actor.may(Permission.CREATE_SERVERS)
    typed = str(body.get("value") or "").strip()
    models = await _listed(services, typed)
    options = model_options(models[: MOST - 1])
    if is_model_id(typed) and len(typed) <= LONGEST_VALUE and all(model.id != typed for model in models):
        options.insert(0, typed_model_option(typed))
    await ack(options=options)


async def _listed(services: Services, typed: str) -> list[Model]:
    """Nothing while the catalogue cannot be asked: what is typed can be chosen all the same."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return list(await services.catalog.models(typed))
    except (TimeoutError, UnavailableError):
        return []
