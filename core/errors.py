"""The errors that Prime raises on purpose. The class says what the caller should do next.

    PrimeError                      a sentence that may be shown to a person as it is
    ├── InvalidInputError           the person should correct what they gave (`field` names it)
    ├── NotFoundError               what was named does not exist, or not any more
    ├── AccessDeniedError           the person may not do this
    ├── ConflictError               somebody or something was faster; look again
    ├── UnavailableError            a part that Prime needs is away; try again later
    │   └── DatabaseUnavailableError
    └── ConfigurationError          the operator should correct a setting

The message of a PrimeError is a full sentence for people: what is wrong and what to do next. It never holds
secrets, personal data, or the text of another exception.
"""


class PrimeError(Exception):
    """An expected situation. `str(error)` is the sentence to show."""


class InvalidInputError(PrimeError):
    """What the person gave cannot be used."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFoundError(PrimeError):
    """What was named does not exist."""


class AccessDeniedError(PrimeError):
    """The person's role does not allow this."""


class ConflictError(PrimeError):
    """The state this was decided on has changed in the meantime."""


class UnavailableError(PrimeError):
    """Something Prime depends on does not answer; the same call may succeed later."""


class DatabaseUnavailableError(UnavailableError):
    """Postgres does not answer."""

    def __init__(self) -> None:
        super().__init__("Prime's database is not answering, so nothing was done. Please try again in a minute.")


class ConfigurationError(PrimeError):
    """A setting is missing or malformed; the message names it and how to get it."""
