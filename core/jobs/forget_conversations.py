"""Forgetting what was said, in time."""

from core.redaction.service import Redaction
from core.talk.privacy import Privacy


async def forget_conversations(redaction: Redaction, privacy: Privacy) -> int:
    """How many threads. Those that are left are forgotten at the next run."""
    return await privacy.forget_old(older_than=await redaction.retention())
