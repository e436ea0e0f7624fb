"""A turn as it is once nobody else changes its conversation."""

from core.errors import NotFoundError
from core.servers.model import Server
from core.storage import Stores
from core.talk.model import Conversation, Turn

NO_MORE = "Prime does not know this answer any more. Ask again in a new message."


async def locked(stores: Stores, turn_id: int) -> tuple[Turn, Conversation]:
    """Raises NotFoundError."""
    found = await stores.talk.turn(turn_id)
    if found is None:
        raise NotFoundError(NO_MORE)
    conversation = await stores.talk.lock(found.conversation_id)
    turn = await stores.talk.turn(turn_id)
    assert turn is not None, "turns are not deleted"
    return turn, conversation


async def server_of(stores: Stores, conversation: Conversation) -> Server | None:
    return None if conversation.server_id is None else await stores.servers.get(conversation.server_id)
