"""Somebody talks to Prime, or in a thread in which Prime talks: a mention, a direct message, a reply, an edit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.actor import Actor
from bot.errors import tell
from bot.inbox import claim_of, look_since_of
from bot.listeners.commands.subcommands import subcommands_for
from bot.messages import Said, said_in
from bot.placing import place
from bot.prompt_files import ReadFiles, read_files
from bot.prompts import read_prompt
from bot.replies import SlackReplies
from bot.requests import Place
from bot.sender import Sender
from bot.views.answer import build_edit_offer, build_refusal
from bot.views.menu import Message, build_greeting
from core.access.model import Principal
from core.access.permissions import Permission, may, require
from core.errors import AccessDeniedError
from core.services import Services
from core.talk.model import PromptRequest


async def handle_prompt(
    body: Mapping[str, Any],
    context: Mapping[str, Any],
    client: Sender,
    actor: Actor,
    services: Services,
    replies: SlackReplies,
) -> None:
    """What does not come from the inbox is a message between others."""
    said = said_in(body["event"], team=body["team_id"])
    if claim_of(context) is None or said is None:
        return
    hearing = _Hearing(
        said=said,
        principal=await actor.principal(),
        bot_user=str(context["bot_user_id"]),
        look_since=look_since_of(context),
        client=client,
        services=services,
        replies=replies,
    )
    await (hearing.answer_edit() if said.is_edit else hearing.answer())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hearing:
    """One message that was heard."""

    said: Said
    principal: Principal
    bot_user: str
    look_since: datetime | None
    client: Sender
    services: Services
    replies: SlackReplies

    async def answer(self) -> None:
        try:
            require(self.principal.role, Permission.TALK)
        except AccessDeniedError as error:
            request = await self._request()
            if request.is_addressed or not request.to_somebody_else:
                await self._tell(build_refusal(str(error)))
            return
        await self._ask(await self._read())

    async def answer_edit(self) -> None:
        """One that mentions Prime for the first time is asked now; another offers to answer again."""
        if not may(self.principal.role, Permission.TALK):
            return
        files = await self._read()
        request = await self._request(files)
        is_new = request.is_addressed and not self.said.is_direct and not self.said.mentioned(self.bot_user)
        if is_new and await self._ask(files):
            return
        turn = await self.services.talk.offer_edit(self.principal, request)
        if turn is not None:
            await self._tell(build_edit_offer(turn.id))

    async def _ask(self, files: ReadFiles) -> bool:
        """False: it was asked before, or there is nothing to ask."""
        request = await self._request(files)
        asked = None
        if request.text or request.attachments:
            asked = await self.services.talk.ask(self.principal, request)
        elif request.is_addressed and not files.problems:
            await self._tell(build_greeting(subcommands_for(self.principal.role)))
        if asked is not None:
            await place(
                asked,
                actor=self.principal,
                services=self.services,
                replies=self.replies,
                look_since=self.look_since,
            )
        if files.problems:
            await tell(self.client, self._place, " ".join(files.problems))
        return asked is not None

    async def _read(self) -> ReadFiles:
        return await read_files(self.client, self.said.files)

    async def _request(self, files: ReadFiles | None = None) -> PromptRequest:
        profile = await self.services.people.profile(self.principal.person)
        return read_prompt(
            self.said,
            bot_user=self.bot_user,
            author=self.principal.person,
            author_name=profile.name,
            attachments=() if files is None else files.attachments,
        )

    async def _tell(self, message: Message) -> None:
        text, blocks = message
        await tell(self.client, self._place, text, blocks)

    @property
    def _place(self) -> Place:
        """A message that no thread hangs on yet is answered beside it: nobody has its thread open."""
        thread_ts = self.said.thread_ts if self.said.is_reply or self.said.is_direct else None
        return Place(user=self.said.user, channel=self.said.channel, thread_ts=thread_ts)
