"""Text that the policy has run over."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True, repr=False)
class RedactedText:
    """What engines take, and nothing else. Only `core.redaction` makes one: `tests/unit/test_redacted_text.py` looks
    through all of Prime for others. Not shown by `repr`: redacted is not the same as fit for a log."""

    text: str
