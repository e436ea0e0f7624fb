"""Whom tests send text to."""

from core.redaction.gate import Gate
from core.redaction.vault import Vault
from core.servers.model import Endpoint
from core.talk.ports import Recipient


def recipient(endpoint: Endpoint, *, model: str = "x") -> Recipient:
    """Behind a gate that knows no values."""
    return Recipient(endpoint=endpoint, model=model, gate=Gate(Vault()))
