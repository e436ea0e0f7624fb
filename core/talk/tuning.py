"""How answers are to be: what is set for one answer, for a thread, by a person for themselves, and for a server, and
which server a channel asks."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from core.access.model import Principal
from core.access.permissions import Permission, require
from core.audit.model import AuditEntry
from core.clock import Clock
from core.errors import InvalidInputError, NotFoundError
from core.storage import Storage
from core.talk.locks import NO_MORE
from core.talk.model import ServerTalk, Settings
from core.talk.rules import SYSTEM_PROMPT_LENGTH, check_settings, check_talks


class Scope(StrEnum):
    """What settings hold for."""

    NEXT = "next"
    """The next answer in the thread."""
    THREAD = "thread"
    PERSON = "person"
    """All that somebody asks."""
    SERVER = "server"
    """All that a server is asked."""


@dataclass(frozen=True, slots=True)
class Tuning:
    storage: Storage
    clock: Clock

    async def settings(self, actor: Principal, scope: Scope, *, place_id: int | None = None) -> Settings:
        """What is set there. `place_id`: the conversation of NEXT and THREAD, the server of SERVER."""
        require(actor.role, Permission.TALK)
        async with self.storage.transaction() as stores:
            if scope is Scope.PERSON:
                return await stores.talk.personal(actor.person)
            if scope is Scope.SERVER:
                return (await stores.talk.of_server(_given(place_id))).settings
            conversation = await stores.talk.get(_given(place_id))
        if conversation is None:
            raise NotFoundError(NO_MORE)
        return conversation.settings if scope is Scope.THREAD else conversation.next_settings

    async def save_settings(
        self, actor: Principal, scope: Scope, settings: Settings, *, place_id: int | None = None
    ) -> None:
        """An empty one resets. Those of a server: see `save_server_talk`. Raises InvalidInputError with the setting's
        name as `field`."""
        require(actor.role, Permission.TALK)
        assert scope is not Scope.SERVER, "that asks for another permission"
        check_settings(settings)
        async with self.storage.transaction() as stores:
            if scope is Scope.PERSON:
                await stores.talk.save_personal(actor.person, settings)
                return
            conversation = await stores.talk.lock(_given(place_id))
            if scope is Scope.THREAD:
                conversation = replace(conversation, settings=settings)
            else:
                conversation = replace(conversation, next_settings=settings)
            await stores.talk.save(conversation)

    async def server_talk(self, actor: Principal, server_id: int) -> ServerTalk:
        require(actor.role, Permission.TALK)
        async with self.storage.transaction() as stores:
            return await stores.talk.of_server(server_id)

    async def save_server_talk(self, actor: Principal, server_id: int, talk: ServerTalk) -> None:
        """Audited, unless it is so already. Raises InvalidInputError as `save_settings`, and for a prompt that is too
        long (`system_prompt`)."""
        require(actor.role, Permission.SET_SERVER_TALK)
        check_settings(talk.settings)
        if len(talk.system_prompt) > SYSTEM_PROMPT_LENGTH:
            raise InvalidInputError(f"At most {SYSTEM_PROMPT_LENGTH:,} characters.", field="system_prompt")
        async with self.storage.transaction() as stores:
            server = await stores.servers.get_locked(server_id)
            if server is None or not server.is_live:
                raise NotFoundError("There is no such server any more. `/prime servers` lists those that there are.")
            if await stores.talk.of_server(server_id) == talk:
                return
            await stores.talk.save_of_server(server_id, talk)
            # Not the words themselves: an audit row is for ever, and stop sequences are words too.
            said = {
                name: value for name, value in asdict(talk.settings).items() if value is not None and name != "stop"
            }
            detail = {"server": server_id, "system_prompt_characters": len(talk.system_prompt), **said}
            await stores.audit.append(self._audit(actor, "server.answers", f"server:{server.spec.name}", detail))

    async def set_channel_server(self, actor: Principal, team: str, channel: str, server_id: int | None) -> None:
        """Audited, unless it is so already; None: the channel has none any more."""
        require(actor.role, Permission.CHOOSE_CHANNEL_SERVER)
        async with self.storage.transaction() as stores:
            name = "none"
            if server_id is not None:
                server = await stores.servers.get_locked(server_id)
                if server is None:
                    raise NotFoundError("There is no such server. `/prime servers` lists them.")
                check_talks(server)
                name = server.spec.name
            elif (before := await stores.talk.channel_server(team, channel)) is not None:
                await stores.servers.get_locked(before)  # so that of two who take it away at once one finds it gone
            if await stores.talk.channel_server(team, channel) == server_id:
                return
            await stores.talk.set_channel_server(team, channel, server_id)
            await stores.audit.append(self._audit(actor, "talk.channel_server", f"channel:{channel}", {"server": name}))

    def _audit(self, actor: Principal, action: str, target: str, detail: Mapping[str, Any]) -> AuditEntry:
        return AuditEntry(
            at=self.clock.now(), actor=str(actor.person), action=action, target=target, detail=dict(detail)
        )


def _given(place_id: int | None) -> int:
    if place_id is None:
        raise NotFoundError(NO_MORE)
    return place_id
