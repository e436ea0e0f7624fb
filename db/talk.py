"""Conversations and turns on their tables. What people and models said is sealed, each value for its cell."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Update,
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from core.errors import NotFoundError
from core.inbox.model import DeliveryKind, DeliveryState
from core.people.model import PersonId
from core.redaction.model import Disposition, EntityType
from core.redaction.vault import Vault
from core.servers.model import ServerState
from core.talk.model import (
    OPEN,
    Conversation,
    EndReason,
    Mode,
    NewTurn,
    Part,
    ServerTalk,
    Settings,
    Thread,
    Turn,
    TurnKind,
    TurnState,
    Votes,
)
from core.talk.ports import TalkStore
from db.models import (
    ChannelServerRow,
    ConversationKeyRow,
    ConversationRow,
    InboxRow,
    PersonTalkRow,
    ServerRow,
    ServerTalkRow,
    TurnRow,
    TurnVoteRow,
)
from db.secrets import Cell, DataBox, SecretBox, UnreadableSecretError, is_data_sealed
from db.types import Sealed

log = structlog.get_logger()

_CLAIMS_TAKE_TURNS = text("SELECT pg_advisory_xact_lock(hashtext('prime.talk.claim'))")
WIPED = Sealed(b"")
"""In the place of a text that was forgotten."""
_WITH_KEY = (ConversationKeyRow, ConversationKeyRow.conversation_id == ConversationRow.id)
_NEXT_TURN = select(func.nextval("turn_id_seq"))
_ENDED = (TurnState.DONE, TurnState.STOPPED, TurnState.FAILED, TurnState.INTERRUPTED)


class PostgresTalk(TalkStore):
    def __init__(self, connection: AsyncConnection, box: SecretBox) -> None:
        self._connection = connection
        self._box = box
        self._data_boxes: dict[int, DataBox] = {}
        """By conversation, of this transaction."""

    # --- conversations

    async def open_conversation(
        self, thread: Thread, *, starter: PersonId, in_thread: bool, now: datetime
    ) -> Conversation:
        new = insert(ConversationRow).values(
            team=thread.team,
            channel=thread.channel,
            thread_ts=thread.ts,
            starter_user=starter.user,
            created_at=now,
            began_in_thread=in_thread,
            cleared_ts="",
            asked_at=now,
        )
        await self._connection.execute(new.on_conflict_do_nothing())
        row = await self._locked(_is_of(thread))
        assert row is not None, "it was just added, or was there"
        return self._conversation(row)

    async def lock(self, conversation_id: int) -> Conversation:
        row = await self._locked(ConversationRow.id == conversation_id)
        if row is None:
            raise NotFoundError("There is no such conversation.")
        return self._conversation(row)

    async def find(self, thread: Thread) -> Conversation | None:
        row = (await self._connection.execute(_conversations().where(_is_of(thread)))).one_or_none()
        return None if row is None else self._conversation(row)

    async def get(self, conversation_id: int) -> Conversation | None:
        found = _conversations().where(ConversationRow.id == conversation_id)
        row = (await self._connection.execute(found)).one_or_none()
        return None if row is None else self._conversation(row)

    async def save(self, conversation: Conversation) -> None:
        number = conversation.id
        has_settings = not (conversation.settings.is_empty and conversation.next_settings.is_empty)
        box = await self._data_box(number) if has_settings else self._box
        saved = (
            update(ConversationRow)
            .where(ConversationRow.id == number)
            .values(
                server_id=conversation.server_id,
                settings=_seal_settings(box, conversation.settings, _cell("conversation", "settings", number)),
                next_settings=_seal_settings(
                    box, conversation.next_settings, _cell("conversation", "next_settings", number)
                ),
                cleared_ts=conversation.cleared_ts,
                began_in_thread=conversation.began_in_thread,
            )
        )
        await self._connection.execute(saved)

    async def is_heard(self, thread: Thread) -> bool:
        known = exists().where(
            ConversationRow.team == thread.team,
            ConversationRow.channel == thread.channel,
            ConversationRow.thread_ts == thread.ts,
        )
        asked = exists().where(
            InboxRow.order_key == f"thread/{thread.team}/{thread.channel}/{thread.ts}",
            InboxRow.kind == DeliveryKind.EVENT,
            InboxRow.state.in_((DeliveryState.WAITING, DeliveryState.CLAIMED)),
        )
        return (await self._connection.execute(select(or_(known, asked)))).scalar_one()

    async def active(self, *, since: datetime, known_before: datetime, limit: int) -> Sequence[tuple[Thread, str]]:
        last = select(func.max(TurnRow.prompt_ts)).where(
            TurnRow.conversation_id == ConversationRow.id, TurnRow.created_at < known_before
        )
        found = (
            select(ConversationRow.team, ConversationRow.channel, ConversationRow.thread_ts, last.scalar_subquery())
            .where(ConversationRow.asked_at >= since)
            .order_by(ConversationRow.asked_at.desc())
            .limit(limit)
        )
        rows = (await self._connection.execute(found)).all()
        return [(Thread(team=team, channel=channel, ts=ts), newest or ts) for team, channel, ts, newest in rows]

    async def vault(self, conversation_id: int) -> Vault:
        found = select(ConversationRow.vault, ConversationKeyRow.wrapped).outerjoin(*_WITH_KEY)
        row = (await self._connection.execute(found.where(ConversationRow.id == conversation_id))).one()
        plain = self._open(row.vault, _cell("conversation", "vault", conversation_id), conversation_id, row.wrapped)
        if not plain:
            return Vault()
        told: dict[str, Any] = json.loads(plain)
        if "values" not in told:  # from before there was more to keep
            return Vault(told)
        return Vault(told["values"], [(kind, value) for kind, value in told["released"]])

    async def save_vault(self, conversation_id: int, vault: Vault) -> None:
        sealed = None
        if vault.values or vault.released:
            plain = json.dumps({"values": dict(vault.values), "released": sorted(vault.released)}).encode()
            box = await self._data_box(conversation_id)
            sealed = box.seal(plain, _cell("conversation", "vault", conversation_id))
        saved = update(ConversationRow).where(ConversationRow.id == conversation_id).values(vault=sealed)
        await self._connection.execute(saved)

    async def forget(self, conversation_id: int) -> bool:
        of_it = TurnRow.conversation_id == conversation_id
        newest = select(func.coalesce(func.max(TurnRow.prompt_ts), "")).where(of_it)
        last = (await self._connection.execute(newest)).scalar_one()
        key = delete(ConversationKeyRow).where(ConversationKeyRow.conversation_id == conversation_id)
        had_key = (await self._connection.execute(key)).rowcount == 1
        has_text = and_(of_it, or_(func.length(TurnRow.prompt) > 0, TurnRow.answer.is_not(None)))
        wiped = update(TurnRow).where(has_text).values(prompt=WIPED, answer=None, settings=None, is_seen=False)
        count = await self._count(wiped)
        cleared: dict[str, str | None] = {"vault": None, "settings": None, "next_settings": None}
        if last:
            cleared["cleared_ts"] = last
        await self._connection.execute(
            update(ConversationRow).where(ConversationRow.id == conversation_id).values(cleared)
        )
        self._data_boxes.pop(conversation_id, None)
        return had_key or count > 0

    async def forgettable(self, *, before: datetime, limit: int) -> Sequence[int]:
        # An offer to answer what was edited stays for as long as nobody takes it.
        is_offered_edit = and_(TurnRow.kind == TurnKind.EDIT, TurnRow.state == TurnState.OFFERED)
        is_open = exists().where(
            TurnRow.conversation_id == ConversationRow.id, TurnRow.state.in_(OPEN), ~is_offered_edit
        )
        old = (
            select(ConversationRow.id)
            .join(*_WITH_KEY)
            .where(ConversationRow.asked_at < before, ~is_open)
            .order_by(ConversationRow.asked_at)
            .limit(limit)
            .with_for_update(of=ConversationRow, skip_locked=True)
        )
        return (await self._connection.execute(old)).scalars().all()

    # --- turns

    async def add(self, turn: NewTurn, *, now: datetime) -> tuple[Turn, bool]:
        known = await self.with_key(turn.conversation_id, turn.key)
        if known is not None:
            return known, False
        number: int = (await self._connection.execute(_NEXT_TURN)).scalar_one()
        box = await self._data_box(turn.conversation_id)
        row = {
            "id": number,
            "conversation_id": turn.conversation_id,
            "key": turn.key,
            "kind": turn.kind,
            "state": turn.state,
            "author_user": turn.author.user,
            "prompt_ts": turn.prompt_ts,
            "created_at": now,
            "replaces": turn.replaces,
            "is_seen": True,
            "prompt": _seal(box, turn.prompt, _cell("turn", "prompt", number)),
            "is_redacted": turn.is_redacted,
            "parts": _parts_json(turn.parts),
            "settings": _seal_settings(box, turn.settings, _cell("turn", "settings", number)),
            "tries": 0,
            "redactions": turn.redactions,
            "left_out": 0,
            "failure": "",
            "warned": "",
            "risk": turn.risk,
            "is_masked": False,
        }
        stored = insert(TurnRow).values(row).on_conflict_do_nothing().returning(TurnRow.id)
        is_new = (await self._connection.execute(stored)).one_or_none() is not None
        if is_new and turn.kind is not TurnKind.NOTE:
            asked = update(ConversationRow).where(ConversationRow.id == turn.conversation_id).values(asked_at=now)
            await self._connection.execute(asked)
        added = await self.with_key(turn.conversation_id, turn.key)
        assert added is not None, "it was just added, or was there"
        return added, is_new

    async def turn(self, turn_id: int) -> Turn | None:
        row = (await self._connection.execute(_turns().where(TurnRow.id == turn_id))).one_or_none()
        return None if row is None else self._turn(row)

    async def with_key(self, conversation_id: int, key: str) -> Turn | None:
        found = _turns().where(TurnRow.conversation_id == conversation_id, TurnRow.key == key)
        row = (await self._connection.execute(found)).one_or_none()
        return None if row is None else self._turn(row)

    async def turns(self, conversation_id: int, *, limit: int = 400) -> Sequence[Turn]:
        found = (
            _turns()
            .where(TurnRow.conversation_id == conversation_id)
            .order_by(TurnRow.prompt_ts.desc(), TurnRow.id.desc())
            .limit(limit)
        )
        rows = (await self._connection.execute(found)).all()
        return [self._turn(row) for row in reversed(rows)]

    async def change(self, turn: Turn) -> bool:
        values = await self._progress(turn) | {
            "is_seen": turn.is_seen,
            "stopped_by": None if turn.stopped_by is None else turn.stopped_by.user,
        }
        # One that was claimed and came to its end after the caller read it stays ended.
        is_same_end = or_(TurnRow.state.not_in(_ENDED), TurnRow.state == turn.state)
        changed = update(TurnRow).where(TurnRow.id == turn.id, TurnRow.state != TurnState.RUNNING, is_same_end)
        return await self._count(changed.values(values)) == 1

    async def claim(
        self, *, holder: str, now: datetime, lease_until: datetime, limit: int, per_person: int
    ) -> Sequence[Turn]:
        # Two claims at once could each take a turn of one conversation, or one too many of one person.
        await self._connection.execute(_CLAIMS_TAKE_TURNS)
        other, running = aliased(TurnRow), aliased(TurnRow)
        is_live = and_(TurnRow.state == TurnState.RUNNING, TurnRow.lease_until > now)
        is_earlier = tuple_(other.prompt_ts, other.id) < tuple_(TurnRow.prompt_ts, TurnRow.id)
        is_behind = exists().where(
            other.conversation_id == TurnRow.conversation_id,
            other.id != TurnRow.id,
            or_(
                other.state == TurnState.RUNNING,
                # An earlier one whose server is ready is woken in a moment.
                and_(other.state.in_((TurnState.WAITING, TurnState.WAKING)), is_earlier),
            ),
            # What was begun comes to its end first; what was stopped before is only told so.
            TurnRow.state != TurnState.RUNNING,
            TurnRow.stopped_by.is_(None),
        )
        under_way = (
            select(func.count())
            .where(running.author_user == TurnRow.author_user, running.state == TurnState.RUNNING)
            .scalar_subquery()
        )
        candidates = (
            select(
                TurnRow.id,
                TurnRow.state,
                TurnRow.stopped_by,
                under_way.label("under_way"),
                func.row_number()
                .over(
                    partition_by=(TurnRow.author_user, TurnRow.state),
                    order_by=(TurnRow.prompt_ts, TurnRow.id),
                )
                .label("number"),
            )
            .where(TurnRow.state.in_((TurnState.WAITING, TurnState.RUNNING)), ~is_live, ~is_behind)
            .cte()
        )
        allowed = or_(
            candidates.c.state == TurnState.RUNNING,
            candidates.c.stopped_by.is_not(None),
            candidates.c.number + candidates.c.under_way <= per_person,
        )
        free = (
            select(TurnRow.id)
            .join(candidates, candidates.c.id == TurnRow.id)
            # Said of the row once more: of one that changed before it was locked, Postgres looks at nothing else again.
            .where(allowed, TurnRow.state == candidates.c.state, ~is_live)
            .order_by(TurnRow.prompt_ts, TurnRow.id)
            .limit(limit)
            .with_for_update(of=TurnRow, skip_locked=True)
            .cte()
        )
        taken = (
            update(TurnRow)
            .where(TurnRow.id == free.c.id)
            .values(
                state=TurnState.RUNNING,
                holder=holder,
                lease_until=lease_until,
                tries=TurnRow.tries + 1,
            )
            .returning(TurnRow.id)
        )
        numbers = (await self._connection.execute(taken)).scalars().all()
        claimed = _turns().where(TurnRow.id.in_(numbers)).order_by(TurnRow.prompt_ts, TurnRow.id)
        rows = (await self._connection.execute(claimed)).all()
        return [turn for row in rows if (turn := self._readable(row)) is not None]

    async def extend(self, turn_ids: Collection[int], *, holder: str, lease_until: datetime) -> Collection[int]:
        kept = (
            update(TurnRow)
            .where(TurnRow.id.in_(turn_ids), *_held_by(holder))
            .values(lease_until=lease_until)
            .returning(TurnRow.id)
        )
        return (await self._connection.execute(kept)).scalars().all()

    async def write(self, turn: Turn, *, holder: str) -> bool:
        values = await self._progress(turn)
        if turn.state in _ENDED:
            values["lease_until"] = None
        if turn.state is TurnState.STOPPED:
            values["stopped_by"] = None if turn.stopped_by is None else turn.stopped_by.user
        return await self._count(_held(turn.id, holder).values(values)) == 1

    async def release(self, turn_id: int, *, holder: str, state: TurnState) -> bool:
        # One that somebody stopped meanwhile is told so; nobody would take it up from another state.
        given = case((TurnRow.stopped_by.is_(None), state), else_=TurnState.WAITING)
        back = {"state": given, "holder": None, "lease_until": None, "tries": TurnRow.tries - 1}
        return await self._count(_held(turn_id, holder).values(back)) == 1

    async def ask_stop(self, turn_id: int, *, by: PersonId) -> Turn | None:
        asked = update(TurnRow).where(
            TurnRow.id == turn_id, TurnRow.state == TurnState.RUNNING, TurnRow.stopped_by.is_(None)
        )
        await self._connection.execute(asked.values(stopped_by=by.user))
        return await self.turn(turn_id)

    async def stops(self, *, holder: str) -> Mapping[int, PersonId]:
        found = (
            select(TurnRow.id, ConversationRow.team, TurnRow.stopped_by)
            .join(ConversationRow, ConversationRow.id == TurnRow.conversation_id)
            .where(*_held_by(holder), TurnRow.stopped_by.is_not(None))
        )
        rows = (await self._connection.execute(found)).all()
        return {number: PersonId(team, str(user)) for number, team, user in rows}

    async def wake(self) -> int:
        is_ready = exists().where(
            ConversationRow.id == TurnRow.conversation_id,
            ServerRow.id == ConversationRow.server_id,
            ServerRow.state == ServerState.READY,
        )
        woken = update(TurnRow).where(TurnRow.state == TurnState.WAKING, is_ready)
        return await self._count(woken.values(state=TurnState.WAITING))

    async def waking(self) -> Sequence[tuple[Turn, int]]:
        found = (
            _turns()
            .add_columns(ConversationRow.server_id)
            .where(TurnRow.state == TurnState.WAKING, ConversationRow.server_id.is_not(None))
            .order_by(TurnRow.id)
        )
        rows = (await self._connection.execute(found)).all()
        return [(turn, row.server_id) for row in rows if (turn := self._readable(row)) is not None]

    async def left(self, *, new_before: datetime, offered_before: datetime) -> Sequence[Turn]:
        is_new = and_(TurnRow.state == TurnState.NEW, TurnRow.created_at < new_before)
        is_offered = and_(
            TurnRow.state == TurnState.OFFERED,
            TurnRow.kind == TurnKind.PROMPT,
            TurnRow.created_at < offered_before,
        )
        is_warned = and_(TurnRow.state == TurnState.WARNED, TurnRow.created_at < offered_before)
        found = _turns().where(or_(is_new, is_offered, is_warned)).order_by(TurnRow.id)
        rows = (await self._connection.execute(found)).all()
        return [turn for row in rows if (turn := self._readable(row)) is not None]

    async def open_turns(self, author: PersonId) -> int:
        found = (
            select(func.count())
            .select_from(TurnRow)
            .join(ConversationRow, ConversationRow.id == TurnRow.conversation_id)
            .where(
                TurnRow.author_user == author.user,
                ConversationRow.team == author.team,
                TurnRow.state.in_((TurnState.WAITING, TurnState.RUNNING)),
            )
        )
        return (await self._connection.execute(found)).scalar_one()

    # --- what people chose

    async def vote(self, turn_id: int, person: PersonId, *, up: bool | None) -> None:
        mine = (TurnVoteRow.turn_id == turn_id, TurnVoteRow.voter == str(person))
        if up is None:
            await self._connection.execute(delete(TurnVoteRow).where(*mine))
            return
        row = insert(TurnVoteRow).values(turn_id=turn_id, voter=str(person), is_up=up)
        keys = [TurnVoteRow.turn_id, TurnVoteRow.voter]
        await self._connection.execute(row.on_conflict_do_update(index_elements=keys, set_={"is_up": up}))

    async def vote_of(self, turn_id: int, person: PersonId) -> bool | None:
        found = select(TurnVoteRow.is_up).where(TurnVoteRow.turn_id == turn_id, TurnVoteRow.voter == str(person))
        return (await self._connection.execute(found)).scalar_one_or_none()

    async def votes(self, server_id: int) -> Votes:
        found = (
            select(
                func.count(case((TurnVoteRow.is_up, 1))),
                func.count(case((~TurnVoteRow.is_up, 1))),
            )
            .join(TurnRow, TurnRow.id == TurnVoteRow.turn_id)
            .join(ConversationRow, ConversationRow.id == TurnRow.conversation_id)
            .where(ConversationRow.server_id == server_id)
        )
        up, down = (await self._connection.execute(found)).one()
        return Votes(up=up, down=down)

    async def personal(self, person: PersonId) -> Settings:
        found = select(PersonTalkRow.settings).where(PersonTalkRow.person == str(person))
        sealed = (await self._connection.execute(found)).scalar_one_or_none()
        cell = _cell("person_talk", "settings", str(person))
        return Settings() if sealed is None else _read_settings(self._box.open(sealed, cell))

    async def save_personal(self, person: PersonId, settings: Settings) -> None:
        sealed = self._box.seal(_settings_json(settings), _cell("person_talk", "settings", str(person)))
        row = insert(PersonTalkRow).values(person=str(person), settings=sealed)
        changed = row.on_conflict_do_update(index_elements=[PersonTalkRow.person], set_={"settings": sealed})
        await self._connection.execute(changed)

    async def of_server(self, server_id: int) -> ServerTalk:
        found = select(ServerTalkRow.system_prompt, ServerTalkRow.settings).where(ServerTalkRow.server_id == server_id)
        row = (await self._connection.execute(found)).one_or_none()
        if row is None:
            return ServerTalk()
        return ServerTalk(
            system_prompt=self._box.open(row.system_prompt, _cell("server_talk", "system_prompt", server_id)).decode(),
            settings=_read_settings(self._box.open(row.settings, _cell("server_talk", "settings", server_id))),
        )

    async def save_of_server(self, server_id: int, talk: ServerTalk) -> None:
        sealed = {
            "system_prompt": _seal(self._box, talk.system_prompt, _cell("server_talk", "system_prompt", server_id)),
            "settings": self._box.seal(_settings_json(talk.settings), _cell("server_talk", "settings", server_id)),
        }
        row = insert(ServerTalkRow).values(server_id=server_id, **sealed)
        await self._connection.execute(row.on_conflict_do_update(index_elements=[ServerTalkRow.server_id], set_=sealed))

    async def channel_server(self, team: str, channel: str) -> int | None:
        found = select(ChannelServerRow.server_id).where(
            ChannelServerRow.team == team, ChannelServerRow.channel == channel
        )
        return (await self._connection.execute(found)).scalar_one_or_none()

    async def set_channel_server(self, team: str, channel: str, server_id: int | None) -> None:
        row = ChannelServerRow
        if server_id is None:
            await self._connection.execute(delete(row).where(row.team == team, row.channel == channel))
            return
        new = insert(row).values(team=team, channel=channel, server_id=server_id)
        keys = [row.team, row.channel]
        await self._connection.execute(new.on_conflict_do_update(index_elements=keys, set_={"server_id": server_id}))

    # --- rows

    async def _locked(self, which: ColumnElement[bool]) -> Row[Any] | None:
        """A conversation, until the transaction ends. It is read after it was locked: of what one waited for, Postgres
        looks at nothing again but the row itself, so the key beside it would be the one of before."""
        await self._connection.execute(select(ConversationRow.id).where(which).with_for_update())
        return (await self._connection.execute(_conversations().where(which))).one_or_none()

    async def _count(self, statement: Update) -> int:
        return (await self._connection.execute(statement)).rowcount

    def _conversation(self, row: Row[Any]) -> Conversation:
        return Conversation(
            id=row.id,
            thread=Thread(team=row.team, channel=row.channel, ts=row.thread_ts),
            server_id=row.server_id,
            starter=PersonId(row.team, row.starter_user),
            created_at=row.created_at,
            began_in_thread=row.began_in_thread,
            settings=self._settings_in(row, row.id, "conversation", "settings"),
            next_settings=self._settings_in(row, row.id, "conversation", "next_settings"),
            cleared_ts=row.cleared_ts,
        )

    def _readable(self, row: Row[Any]) -> Turn | None:
        """None, for now, if its key is missing: the operator may yet give it, and the other turns go on meanwhile."""
        try:
            return self._turn(row)
        except UnreadableSecretError:
            log.warning("turn.unreadable", turn=row.id)
            return None

    def _turn(self, row: Row[Any]) -> Turn:
        parts: list[tuple[str, int]] = json.loads(row.parts)
        texts = {
            name: self._open(getattr(row, name), _cell("turn", name, row.id), row.conversation_id, row.wrapped).decode()
            for name in ("prompt", "answer")
        }
        warned: dict[str, int] = json.loads(row.warned or "{}")
        return Turn(
            id=row.id,
            conversation_id=row.conversation_id,
            kind=TurnKind(row.kind),
            state=TurnState(row.state),
            author=PersonId(row.team, row.author_user),
            prompt_ts=row.prompt_ts,
            created_at=row.created_at,
            replaces=row.replaces,
            is_seen=row.is_seen,
            prompt=texts["prompt"],
            is_redacted=row.is_redacted,
            answer=texts["answer"],
            parts=tuple(Part(ts=ts, start=start) for ts, start in parts),
            settings=self._settings_in(row, row.conversation_id, "turn", "settings"),
            tries=row.tries,
            stopped_by=None if row.stopped_by is None else PersonId(row.team, row.stopped_by),
            started_at=row.started_at,
            first_token_at=row.first_token_at,
            ended_at=row.ended_at,
            prompt_tokens=row.prompt_tokens,
            generated_tokens=row.generated_tokens,
            end=None if row.end_reason is None else EndReason(row.end_reason),
            redactions=row.redactions,
            decided=None if row.decided is None else Disposition(row.decided),
            warned={EntityType(kind): count for kind, count in warned.items()},
            risk=row.risk,
            is_masked=row.is_masked,
            left_out=row.left_out,
            failure=row.failure,
        )

    async def _progress(self, turn: Turn) -> dict[str, Any]:
        box = await self._data_box(turn.conversation_id)
        return {
            "state": turn.state,
            "prompt": _seal(box, turn.prompt, _cell("turn", "prompt", turn.id)),
            "is_redacted": turn.is_redacted,
            "answer": _seal(box, turn.answer, _cell("turn", "answer", turn.id)) if turn.answer else None,
            "parts": _parts_json(turn.parts),
            "started_at": turn.started_at,
            "first_token_at": turn.first_token_at,
            "ended_at": turn.ended_at,
            "prompt_tokens": turn.prompt_tokens,
            "generated_tokens": turn.generated_tokens,
            "end_reason": turn.end,
            "redactions": turn.redactions,
            "decided": turn.decided,
            "warned": json.dumps(dict(turn.warned)) if turn.warned else "",
            "risk": turn.risk,
            "is_masked": turn.is_masked,
            "left_out": turn.left_out,
            "failure": turn.failure,
        }

    def _settings_in(self, row: Row[Any], conversation_id: int, table: str, column: str) -> Settings:
        plain = self._open(getattr(row, column), _cell(table, column, row.id), conversation_id, row.wrapped)
        return _read_settings(plain) if plain else Settings()

    # --- keys of conversations

    async def _data_box(self, conversation_id: int) -> DataBox:
        """The conversation's, made if it has none."""
        if conversation_id not in self._data_boxes:
            cell = _cell("conversation_key", "wrapped", conversation_id)
            new = insert(ConversationKeyRow).values(
                conversation_id=conversation_id, wrapped=self._box.seal(DataBox.new_key(), cell)
            )
            known = select(ConversationKeyRow.wrapped).where(ConversationKeyRow.conversation_id == conversation_id)
            wrapped = (await self._connection.execute(known)).scalar_one_or_none()
            if wrapped is None:
                await self._connection.execute(new.on_conflict_do_nothing())
                wrapped = (await self._connection.execute(known)).scalar_one()
            self._data_boxes[conversation_id] = self._unwrapped(wrapped, conversation_id)
        return self._data_boxes[conversation_id]

    def _unwrapped(self, wrapped: Sealed, conversation_id: int) -> DataBox:
        cell = _cell("conversation_key", "wrapped", conversation_id)
        return DataBox(self._box.open(wrapped, cell))

    def _open(self, sealed: Sealed | None, cell: Cell, conversation_id: int, wrapped: Sealed | None) -> bytes:
        """Nothing where there is nothing, or where its key was destroyed."""
        if sealed is None or not sealed.data:
            return b""
        if not is_data_sealed(sealed):
            return self._box.open(sealed, cell)
        if wrapped is None:
            return b""
        if conversation_id not in self._data_boxes:
            self._data_boxes[conversation_id] = self._unwrapped(wrapped, conversation_id)
        box = self._data_boxes[conversation_id]
        return box.open(sealed, cell) if box.has_sealed(sealed) else b""


def _conversations() -> Select[Any]:
    columns = (column for column in ConversationRow.__table__.columns if column.name != "vault")
    return select(*columns, ConversationKeyRow.wrapped).outerjoin(*_WITH_KEY)


def _is_of(thread: Thread) -> ColumnElement[bool]:
    return and_(
        ConversationRow.team == thread.team,
        ConversationRow.channel == thread.channel,
        ConversationRow.thread_ts == thread.ts,
    )


def _turns() -> Select[Any]:
    turns = select(*TurnRow.__table__.columns, ConversationRow.team, ConversationKeyRow.wrapped)
    return turns.join(ConversationRow, ConversationRow.id == TurnRow.conversation_id).outerjoin(*_WITH_KEY)


def _held_by(holder: str) -> Sequence[Any]:
    return (TurnRow.holder == holder, TurnRow.state == TurnState.RUNNING)


def _held(turn_id: int, holder: str) -> Update:
    return update(TurnRow).where(TurnRow.id == turn_id, *_held_by(holder))


def _parts_json(parts: Sequence[Part]) -> str:
    return json.dumps([[part.ts, part.start] for part in parts])


def _seal(box: SecretBox | DataBox, plain: str, cell: Cell) -> Sealed:
    # A lone surrogate, which JSON can carry, has no UTF-8.
    return box.seal(plain.encode(errors="replace"), cell)


def _seal_settings(box: SecretBox | DataBox, settings: Settings, cell: Cell) -> Sealed | None:
    return None if settings.is_empty else box.seal(_settings_json(settings), cell)


def _read_settings(plain: bytes) -> Settings:
    told: dict[str, Any] = json.loads(plain)
    if told.get("stop") is not None:
        told["stop"] = tuple(told["stop"])
    if told.get("mode") is not None:
        told["mode"] = Mode(told["mode"])
    return Settings(**told)


def _settings_json(settings: Settings) -> bytes:
    return json.dumps({name: value for name, value in asdict(settings).items() if value is not None}).encode()


def _cell(table: str, column: str, row: int | str) -> Cell:
    return Cell(table, column, (str(row),))
