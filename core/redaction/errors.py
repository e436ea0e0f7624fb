"""Why a text does not leave.

InvalidInputError
└── PromptBlockedError      it holds what must not leave; the author takes it out
UnavailableError
├── RedactionFailedError    it could not be looked through
│   └── DetectorsBusyError  not now
└── GateError               something was about to leave that must not
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


class DetectorsBusyError(RedactionFailedError):
    """Too many texts wait to be looked through."""


class GateError(UnavailableError):
    def __init__(self) -> None:
        super().__init__(
            "Prime stopped this at the last moment, because something personal or secret was still in it. Nothing was "
            "sent. Press Clear and ask again, and tell your admins."
        )
