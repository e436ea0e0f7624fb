"""The notices that tell news of a server, each once."""

from core.inbox.model import Delivery
from core.notices import Notice, owe
from core.servers.model import Server, ServerState
from core.servers.rules import order_key
from core.watch.model import End, News

OF_STATE = {
    ServerState.READY: News.READY,
    ServerState.FAILED: News.FAILED,
    ServerState.STOPPED: News.STOPPED,
    ServerState.GONE: News.GONE,
}


def tell(server: Server, news: News, *, about: str, end: End | None = None) -> Delivery:
    """`about` tells this occasion from others of the same kind: the same news of the same occasion is told once."""
    details = {} if end is None else {"end": end.kind.value, "end_at": end.at.isoformat()}
    return owe(
        Notice.SERVER_NEWS,
        order_key=order_key(server),
        work_key=f"news/{server.id}/{news}/{about}",
        server_id=server.id,
        news=news.value,
        **details,
    )
