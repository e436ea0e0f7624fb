"""What models are told about placeholders."""

from core.redaction.model import RedactedText
from core.redaction.vault import Vault

KEEP = (
    "Tokens in square brackets such as [PERSON_1] stand for values that were left out; [PERSON_1_B] is another way to "
    "write the same one. Repeat them exactly as they are."
)


def with_hint(system: RedactedText | None, vault: Vault) -> RedactedText | None:
    """The system prompt, with a line on placeholders if the conversation has any."""
    if not vault.values:
        return system
    return RedactedText(KEEP if system is None else f"{system.text}\n\n{KEEP}")
