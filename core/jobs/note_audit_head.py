"""Telling the outside how long the audit chain is."""

from collections.abc import Callable

import structlog

from core.audit.service import ChainState, chain_state
from core.storage import Storage

_log = structlog.get_logger(__name__)


async def note_audit_head(storage: Storage, note: Callable[[ChainState], None]) -> None:
    """Logs it, and gives it to `note` for a metric: what was once told cannot be cut off unseen."""
    state = await chain_state(storage)
    _log.info("audit_head", seq=state.seq, mac=state.mac, rows=state.rows)
    note(state)
