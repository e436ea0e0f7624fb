"""What people are told of proposals that something is not personal."""

from bot.telling import Payload, Telling
from bot.views.warning import build_proposal, describe_proposal_outcome
from core.services import Services


class Proposals:
    def __init__(self, telling: Telling, services: Services) -> None:
        self._telling = telling
        self._services = services

    async def opened(self, payload: Payload) -> None:
        """Notice.TERM_PROPOSED: to the admins."""
        proposal = await self._services.redaction.proposal(int(payload["proposal_id"]))
        if proposal.decided_by is not None:
            return
        key = f"proposal/{proposal.id}"
        for posted in await self._telling.to_admins(build_proposal(proposal), key=key, payload=payload):
            await self._services.redaction.shown_at(proposal.id, posted)

    async def settled(self, payload: Payload) -> None:
        """Notice.TERM_SETTLED: the term is not shown any more, and whoever proposed it hears of it."""
        proposal = await self._services.redaction.proposal(int(payload["proposal_id"]))
        await self._telling.edit(proposal.posted, build_proposal(proposal))
        told, key = describe_proposal_outcome(proposal), f"proposal-settled/{proposal.id}"
        await self._telling.to_person(proposal.asker.user, told, key=key, payload=payload)
