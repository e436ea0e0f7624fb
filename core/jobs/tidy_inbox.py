"""Keeping the inbox small."""

from core.inbox.service import Inbox
from core.storage import Storage


async def tidy_inbox(inbox: Inbox, storage: Storage) -> int:
    """Expires what waited too long, drops what ended long ago; how many wait or are being worked on."""
    await inbox.tidy()
    async with storage.transaction() as stores:
        return await stores.inbox.depth()
