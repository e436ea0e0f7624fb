"""The submitted forms of redaction."""

import asyncio
from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actor import Actor
from bot.forms import choice_of, is_ticked, text_of
from bot.ids import Input
from bot.prompt_files import read_files
from bot.redaction_form import changed_in, channel_in, dispositions_of, files_of, listed_as, proposed_in
from bot.sender import Sender
from bot.views.redaction import REMOVE, TEXT_LENGTH, build_lists_modal, build_trial, build_try_modal
from bot.views.warning import build_proposed_modal
from core.access.permissions import Permission
from core.errors import InvalidInputError
from core.redaction.lexicon import read_terms
from core.services import Services

LIST_BYTES = 1_000_000
READ_SECONDS = 1.2
"""Of the three that Slack waits, what fetching a file may take; the rest is for keeping its terms."""
TRY_SECONDS = 2.0

View = Mapping[str, Any]


async def handle_redaction_submitted(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    """It holds from the next prompt on."""
    principal = await actor.may(Permission.EDIT_REDACTION)
    chosen, days = changed_in(view)
    await services.redaction.change(principal, chosen, retention_days=days)
    await ack()


async def handle_redaction_channel_submitted(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.TIGHTEN_REDACTION)
    channel, changes = channel_in(view.get("private_metadata")), dispositions_of(view)
    if changes:
        await services.redaction.change_channel(principal, channel, changes, sign=is_ticked(view, Input.SIGNED))
    else:
        await services.redaction.reset_channel(principal, channel)
    await ack()


async def handle_redaction_lists_submitted(
    ack: AsyncAck, view: View, client: Sender, actor: Actor, services: Services
) -> None:
    principal = await actor.may(Permission.EDIT_REDACTION)
    what = choice_of(view, Input.LISTED_AS)
    text = "\n".join([text_of(view, Input.TERMS), *await _uploaded(view, client)])
    terms = read_terms(text)
    if not terms:
        raise InvalidInputError("Write at least one term, or choose a file.", field=Input.TERMS)
    if what == REMOVE:
        removed = await services.redaction.remove_terms(principal, terms)
        note = f"{removed:,} removed."
    else:
        added = await services.redaction.add_terms(principal, text, listed_as(what))
        note = f"{added:,} added; {len(terms) - added:,} were there before."
    overview = await services.redaction.overview(principal)
    shown = build_lists_modal(
        overview.terms, can_edit=True, drawing=str(view.get("hash")), note=f":white_check_mark: {note}"
    )
    await ack(response_action="update", view=shown)


async def handle_redaction_try_submitted(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.SEE_REDACTION)
    channel, text = channel_in(view.get("private_metadata")), text_of(view, Input.TEXT)
    if not text.strip() or len(text) > TEXT_LENGTH:
        raise InvalidInputError(f"Write a text of at most {TEXT_LENGTH:,} characters.", field=Input.TEXT)
    try:
        async with asyncio.timeout(TRY_SECONDS):
            trial = await services.redaction.try_text(principal, text, channel)
    except TimeoutError as error:
        sentence = "That took too long just now. Please try again, or with a shorter text."
        raise InvalidInputError(sentence, field=Input.TEXT) from error
    result = build_trial(trial.found, risk=trial.risk, sent=trial.text, blocked=trial.blocked)
    await ack(response_action="update", view=build_try_modal(channel=channel, result=result))


async def handle_not_personal(ack: AsyncAck, view: View, actor: Actor, services: Services) -> None:
    principal = await actor.may(Permission.TALK)
    proposed = proposed_in(view)
    for kind, term in proposed:
        await services.redaction.propose(principal, term, kind)
    await ack(response_action="update", view=build_proposed_modal(len(proposed)))


async def _uploaded(view: View, client: Sender) -> list[str]:
    """Raises InvalidInputError if a file cannot be read as text, in time."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            read = await read_files(client, files_of(view), most_bytes=LIST_BYTES)
    except TimeoutError as error:
        sentence = "Slack did not hand out the file in time. Please press Save again."
        raise InvalidInputError(sentence, field=Input.FILE) from error
    if read.problems:
        sentence = f"Prime could not read this. It takes text files of up to {LIST_BYTES // 1000:,} kB."
        raise InvalidInputError(sentence, field=Input.FILE)
    return [one.text for one in read.attachments]
