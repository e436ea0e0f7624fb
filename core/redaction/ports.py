"""What finds and replaces personal and secret data."""

from collections.abc import Sequence
from typing import Protocol

from core.redaction.model import Redaction
from core.redaction.vault import Vault


class Redactor(Protocol):
    async def redact(self, texts: Sequence[str], vault: Vault) -> Sequence[Redaction]:
        """Each text as it may leave, its new placeholders added to the vault. One text's names are known in the others.

        Raises PromptBlockedError (something that must not leave at all), RedactionFailedError: then nothing may be
        sent."""
        ...
