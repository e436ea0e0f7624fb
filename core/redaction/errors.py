"""Why a text does not leave.

InvalidInputError
└── PromptBlockedError      it holds what must not leave; the author takes it out
UnavailableError
└── RedactionFailedError    it could not be looked through
"""

from collections.abc import Collection

from core.errors import InvalidInputError, UnavailableError
from core.redaction.model import LABELS, EntityType


class PromptBlockedError(InvalidInputError):
    """Names the types that were found, never a value."""

    def __init__(self, found: Collection[EntityType]) -> None:
        what = ", ".join(sorted(LABELS[kind].lower() for kind in set(found)))
        super().__init__(
            f"This was not sent to the model, because it seems to hold: {what}. Take it out and ask again."
        )
        self.found = frozenset(found)


class RedactionFailedError(UnavailableError):
    def __init__(self) -> None:
        super().__init__(
            "Prime could not look through your message for personal data, so nothing was sent. Please try again."
        )
