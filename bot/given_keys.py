"""A key that somebody typed, from its submission to its answer.

Asking the cloud takes longer than Slack waits for a submission. So the key goes into the inbox, the one place from
which work goes on after a crash, and the form shows "Checking..." until the answer is there. The key lies there sealed,
as it does where it is kept in the end, and for no longer than one look at the cloud: whatever comes of that is an
answer, which ends the work, upon which the inbox wipes it. Only a process that dies, or a Slack that is away, leaves it
for one of two more attempts."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import sentence_for
from bot.open_views import redraw_open
from bot.views.keys import (
    build_checking,
    build_key_form,
    build_key_saved,
    build_keys_modal,
    describe_saved,
)
from bot.views.problem import build_problem_modal
from core.access.model import Principal
from core.access.permissions import Permission, require
from core.errors import AccessDeniedError, NotFoundError
from core.keys.model import ProviderEntry, ProviderKey
from core.keys.rules import check_key
from core.notices import Notice, owe
from core.people.model import PersonId
from core.services import Services

ACKNOWLEDGED_WITHIN = (0.0, 0.3, 0.7, 2.0)
"""Seconds to wait, one after the other, for Slack to show "Checking...": it does within three or not at all."""


async def take_key(
    services: Services, actor: Principal, entry: ProviderEntry, secret: str, view: Mapping[str, Any], *, trigger_id: str
) -> dict[str, Any]:
    """The view that takes the form's place while the key is being checked. Raises InvalidInputError (`secret`).

    A submission that is delivered twice has one trigger, and is taken once."""
    external_id = f"key-{hashlib.sha256(trigger_id.encode()).hexdigest()}"
    notice = owe(
        Notice.KEY_GIVEN,
        team=actor.person.team,
        user=actor.person.user,
        provider=entry.provider,
        secret=check_key(secret),
        at=services.clock.now().isoformat(),
        view=external_id,
        view_id=str(view["id"]),
        root=str(view.get("root_view_id") or view["id"]),
    )
    await services.inbox.accept(replace(notice, work_key=external_id))
    return build_checking(entry.label, external_id=external_id)


async def answer_key(client: AsyncWebClient, services: Services, payload: Mapping[str, Any]) -> None:
    """Notice.KEY_GIVEN: checks the key, keeps it, and says so, or what is wrong with it."""
    entry: ProviderEntry | None = None
    try:
        actor = await _actor(services, payload)
        entries = await services.keys.listing(actor)
        entry = _entry(entries, payload["provider"])
        key = await _saved(services, actor, entry, payload)
    except Exception as error:  # noqa: BLE001 no failure may leave the key in the inbox, or its person without an answer
        sentence = sentence_for(error, notice=Notice.KEY_GIVEN)
        if entry is None or isinstance(error, AccessDeniedError):
            view = build_problem_modal(sentence)
        else:
            view = build_key_form(entry, stamp=payload["view"], problem=sentence)
        await _show(client, services, payload, view, otherwise=sentence)
        return
    saved = describe_saved(entry.label, key)
    if payload["root"] != payload["view_id"]:
        entries = [replace(one, key=key) if one is entry else one for one in entries]
        await redraw_open(client, build_keys_modal(entries, note=saved), view_id=payload["root"])
    await _show(client, services, payload, build_key_saved(entry.label, key), otherwise=saved)


async def find_cloud(services: Services, actor: Principal, provider: str) -> ProviderEntry:
    """Raises NotFoundError for what comes from outside and is no cloud of ours."""
    return _entry(await services.keys.listing(actor), provider)


async def _actor(services: Services, payload: Mapping[str, Any]) -> Principal:
    """With the role that they hold now. Raises AccessDeniedError."""
    holder = await services.access.standing_of(PersonId(payload["team"], payload["user"]))
    require(holder.role, Permission.MANAGE_KEYS)
    return Principal(person=holder.person, role=holder.role)


def _entry(entries: Sequence[ProviderEntry], provider: str) -> ProviderEntry:
    for entry in entries:
        if entry.provider == provider:
            return entry
    raise NotFoundError("Prime has no such cloud any more. `/prime keys` lists those that it has.")


async def _saved(services: Services, actor: Principal, entry: ProviderEntry, payload: Mapping[str, Any]) -> ProviderKey:
    """Unless an earlier attempt at this very submission came as far as that, and then its process died."""
    key, secret = entry.key, str(payload["secret"])
    if (
        key is not None
        and key.added_by == str(actor.person)
        and key.added_at >= datetime.fromisoformat(payload["at"])
        and key.last_four == secret[-4:]
    ):
        return key
    return await services.keys.save(actor, entry.provider, secret)


async def _show(
    client: AsyncWebClient, services: Services, payload: Mapping[str, Any], view: dict[str, Any], *, otherwise: str
) -> None:
    """In the place of "Checking...", which bears its name only once Slack shows it: so that it cannot come after what
    is shown here. Whoever has closed it gets a direct message."""
    for seconds in ACKNOWLEDGED_WITHIN:
        await services.clock.sleep(seconds)
        if await redraw_open(client, view, external_id=payload["view"]):
            return
    # Still the form, if our acknowledgement did not reach Slack in time.
    if not await redraw_open(client, view, view_id=payload["view_id"]):
        await client.chat_postMessage(channel=payload["user"], text=otherwise)
