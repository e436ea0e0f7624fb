"""What clouds and machines answer. See core.errors for the tree that these belong to.

UnavailableError
├── ProviderUnavailableError    the cloud does not answer; call again later
│   └── RateLimitedError        it asks to wait (`retry_after_seconds`, if it says how long)
├── OutcomeUnknownError         an order may or may not have been taken; look by name first
├── MachineBusyError            on its way elsewhere; ask again
├── NoCapacityError             the cloud has no such machine free; try another offer or region
├── EngineUnreachableError      the machine or its engine does not answer (yet)
│   ├── EngineStalledError      it went silent in the middle
│   └── AnswerCutError          the connection ended before the answer did
├── EngineOverloadedError       it has no room for one more request; ask again
└── GenerationFailedError       the engine failed in the middle; what came so far is all there is
InvalidInputError
└── PromptRefusedError          the engine does not take this prompt with these settings
    └── TemplateRefusedError    its template does not take these turns
        └── NoChatTemplateError the model was not made for turns: ask it to go on with a text
AccessDeniedError
└── ProviderForbiddenError      the key is wrong or may not do this; an admin changes it
ConflictError
├── QuotaError                  the account's limit is reached; raise it or delete something
├── OrderRefusedError           the cloud does not take this order as it is
├── OvertakenError              somebody else wrote the server since it was read; read it again
└── IdentityError               something answers that is not this server; nothing was sent to it
NotFoundError
└── MachineNotFoundError
"""

from core.errors import AccessDeniedError, ConflictError, InvalidInputError, NotFoundError, UnavailableError


class ProviderUnavailableError(UnavailableError):
    pass


class RateLimitedError(ProviderUnavailableError):
    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class OutcomeUnknownError(UnavailableError):
    pass


class MachineBusyError(UnavailableError):
    pass


class NoCapacityError(UnavailableError):
    pass


class EngineUnreachableError(UnavailableError):
    pass


class EngineStalledError(EngineUnreachableError):
    pass


class AnswerCutError(EngineUnreachableError):
    pass


class EngineOverloadedError(UnavailableError):
    pass


class GenerationFailedError(UnavailableError):
    pass


class PromptRefusedError(InvalidInputError):
    pass


class TemplateRefusedError(PromptRefusedError):
    pass


class NoChatTemplateError(TemplateRefusedError):
    pass


class ProviderForbiddenError(AccessDeniedError):
    pass


class QuotaError(ConflictError):
    pass


class OrderRefusedError(ConflictError):
    pass


class OvertakenError(ConflictError):
    pass


class IdentityError(ConflictError):
    pass


class MachineNotFoundError(NotFoundError):
    pass
