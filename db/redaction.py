"""The redaction policy and a team's lists on their tables."""

import json
import os
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, LargeBinary, Row, Text, any_, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.people.model import PersonId
from core.posted import PostedAt
from core.redaction.model import Disposition, EntityType
from core.redaction.policy import ChannelPolicy
from core.redaction.ports import Proposal, RedactionStore, Term
from db.models import (
    ChannelRedactionRow,
    RedactionSettingRow,
    RedactionTermRow,
    TermProposalMessageRow,
    TermProposalRow,
)
from db.secrets import KEY_BYTES, Cell, SecretBox
from db.types import UtcDateTime

_THE_ROW = {"id": 1, "changes": "{}", "terms_version": 0}
_LIST_KEY = Cell("redaction_setting", "list_key", ("1",))


class PostgresRedaction(RedactionStore):
    def __init__(self, connection: AsyncConnection, box: SecretBox) -> None:
        self._connection = connection
        self._box = box

    # --- policy

    async def changes(self) -> Mapping[EntityType, Disposition]:
        told = (await self._connection.execute(select(RedactionSettingRow.changes))).scalar_one_or_none()
        return _read(told or "{}")

    async def set_changes(self, changes: Mapping[EntityType, Disposition]) -> None:
        await self._set(changes=json.dumps(dict(changes)))

    async def channel(self, team: str, channel: str) -> ChannelPolicy | None:
        row = ChannelRedactionRow
        found = select(row.changes, row.is_signed).where(row.team == team, row.channel == channel)
        told = (await self._connection.execute(found)).one_or_none()
        return None if told is None else ChannelPolicy(changes=_read(told.changes), is_signed=told.is_signed)

    async def set_channel(self, team: str, channel: str, policy: ChannelPolicy | None, *, by: PersonId) -> None:
        row = ChannelRedactionRow
        if policy is None:
            await self._connection.execute(delete(row).where(row.team == team, row.channel == channel))
            return
        facts = {"changes": json.dumps(dict(policy.changes)), "is_signed": policy.is_signed, "set_by": by.user}
        new = insert(row).values(team=team, channel=channel, **facts)
        await self._connection.execute(new.on_conflict_do_update(index_elements=[row.team, row.channel], set_=facts))

    async def channels(self, team: str) -> Mapping[str, ChannelPolicy]:
        row = ChannelRedactionRow
        rows = await self._connection.execute(select(row.channel, row.changes, row.is_signed).where(row.team == team))
        return {one.channel: ChannelPolicy(changes=_read(one.changes), is_signed=one.is_signed) for one in rows}

    async def retention_days(self) -> int | None:
        return (await self._connection.execute(select(RedactionSettingRow.retention_days))).scalar_one_or_none()

    async def set_retention_days(self, days: int) -> None:
        await self._set(retention_days=days)

    # --- the team's lists

    async def list_key(self) -> bytes:
        found = select(RedactionSettingRow.list_key)
        sealed = (await self._connection.execute(found)).scalar_one_or_none()
        if sealed is None:
            await self._connection.execute(insert(RedactionSettingRow).values(_THE_ROW).on_conflict_do_nothing())
            sealed = (await self._connection.execute(found.with_for_update())).scalar_one()
        if sealed is None:
            sealed = self._box.seal(os.urandom(KEY_BYTES), _LIST_KEY)
            await self._connection.execute(update(RedactionSettingRow).values(list_key=sealed))
        return self._box.open(sealed, _LIST_KEY)

    async def terms_version(self) -> int:
        found = select(RedactionSettingRow.terms_version)
        return (await self._connection.execute(found)).scalar_one_or_none() or 0

    async def terms(self) -> Sequence[Term]:
        rows = await self._connection.execute(select(*RedactionTermRow.__table__.columns))
        return [
            Term(
                digest=row.digest,
                type=None if row.type is None else EntityType(row.type),
                added_by=PersonId(row.added_by_team, row.added_by_user),
                added_at=row.added_at,
            )
            for row in rows
        ]

    async def add_terms(self, terms: Collection[Term]) -> int:
        once = {one.digest: one for one in terms}.values()
        # As a few arrays, since a parameter for each fact of each of 20,000 takes seconds.
        facts = {
            "digest": literal([one.digest for one in once], ARRAY(LargeBinary)),
            "type": literal([one.type for one in once], ARRAY(Text)),
            "added_by_team": literal([one.added_by.team for one in once], ARRAY(Text)),
            "added_by_user": literal([one.added_by.user for one in once], ARRAY(Text)),
            "added_at": literal([one.added_at for one in once], ARRAY(UtcDateTime)),
        }
        await self._changed()
        before = await self._count()
        told = func.unnest(*facts.values()).table_valued(*facts).render_derived()
        new = insert(RedactionTermRow).from_select(list(facts), select(*(told.c[name] for name in facts)))
        kept = {"type": new.excluded.type}
        await self._connection.execute(new.on_conflict_do_update(index_elements=[RedactionTermRow.digest], set_=kept))
        return await self._count() - before

    async def remove_terms(self, digests: Collection[bytes]) -> int:
        await self._changed()
        removed = delete(RedactionTermRow).where(
            RedactionTermRow.digest == any_(literal([*digests], ARRAY(LargeBinary)))
        )
        return (await self._connection.execute(removed)).rowcount

    # --- proposals

    async def propose(self, term: str, kind: EntityType, asker: PersonId, *, now: datetime) -> Proposal:
        number: int = (await self._connection.execute(select(func.nextval("term_proposal_id_seq")))).scalar_one()
        new = insert(TermProposalRow).values(
            id=number,
            term=self._box.seal(term.encode(errors="replace"), _term_cell(number)),
            type=kind,
            asker_team=asker.team,
            asker_user=asker.user,
            asked_at=now,
        )
        await self._connection.execute(new)
        return Proposal(id=number, term=term, type=kind, asker=asker, asked_at=now)

    async def proposal(self, proposal_id: int) -> Proposal | None:
        found = select(*TermProposalRow.__table__.columns).where(TermProposalRow.id == proposal_id).with_for_update()
        row = (await self._connection.execute(found)).one_or_none()
        return None if row is None else await self._proposal(row)

    async def settle(self, proposal_id: int, *, by: PersonId, is_approved: bool, now: datetime) -> None:
        settled = update(TermProposalRow).where(TermProposalRow.id == proposal_id)
        await self._connection.execute(
            settled.values(
                term=None,
                decided_by_team=by.team,
                decided_by_user=by.user,
                decided_at=now,
                is_approved=is_approved,
            )
        )

    async def note_posted(self, proposal_id: int, posted: PostedAt) -> None:
        new = insert(TermProposalMessageRow).values(proposal_id=proposal_id, channel=posted.channel, ts=posted.ts)
        await self._connection.execute(new.on_conflict_do_nothing())

    async def open_proposals(self) -> Sequence[Proposal]:
        found = select(*TermProposalRow.__table__.columns).where(TermProposalRow.decided_at.is_(None))
        rows = (await self._connection.execute(found.order_by(TermProposalRow.id))).all()
        return [await self._proposal(row) for row in rows]

    # --- parts

    async def _set(self, **values: Any) -> None:
        new = insert(RedactionSettingRow).values({**_THE_ROW, **values})
        await self._connection.execute(new.on_conflict_do_update(index_elements=[RedactionSettingRow.id], set_=values))

    async def _changed(self) -> None:
        """Also the lock under which the terms are changed."""
        new = insert(RedactionSettingRow).values(_THE_ROW | {"terms_version": 1})
        counted = {"terms_version": RedactionSettingRow.terms_version + 1}
        await self._connection.execute(new.on_conflict_do_update(index_elements=[RedactionSettingRow.id], set_=counted))

    async def _count(self) -> int:
        return (await self._connection.execute(select(func.count()).select_from(RedactionTermRow))).scalar_one()

    async def _proposal(self, row: Row[Any]) -> Proposal:
        places = select(TermProposalMessageRow.channel, TermProposalMessageRow.ts).where(
            TermProposalMessageRow.proposal_id == row.id
        )
        posted = (await self._connection.execute(places.order_by(TermProposalMessageRow.ts))).all()
        decider = None if row.decided_by_user is None else PersonId(row.decided_by_team, row.decided_by_user)
        return Proposal(
            id=row.id,
            term="" if row.term is None else self._box.open(row.term, _term_cell(row.id)).decode(),
            type=EntityType(row.type),
            asker=PersonId(row.asker_team, row.asker_user),
            asked_at=row.asked_at,
            decided_by=decider,
            is_approved=row.is_approved,
            posted=tuple(PostedAt(channel=channel, ts=ts) for channel, ts in posted),
        )


def _read(changes: str) -> Mapping[EntityType, Disposition]:
    told: dict[str, str] = json.loads(changes)
    return {EntityType(kind): Disposition(one) for kind, one in told.items()}


def _term_cell(number: int) -> Cell:
    return Cell("term_proposal", "term", (str(number),))
