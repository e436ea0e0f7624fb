"""Letting old audit rows go."""

from datetime import timedelta

from core.clock import Clock
from core.storage import Storage

AUDIT_KEPT = timedelta(days=730)
"""Two years: long enough for a yearly review to look at the year before."""


async def retain_audit(storage: Storage, clock: Clock) -> int:
    """Deletes rows older than AUDIT_KEPT and leaves a signed checkpoint, so that the chain still verifies; how many.
    Safe to run twice."""
    async with storage.transaction() as stores:
        return await stores.audit.retain(keep_from=clock.now() - AUDIT_KEPT)
