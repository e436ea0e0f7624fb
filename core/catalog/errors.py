"""What the Hub answers beside the errors of `core.errors`."""

from core.errors import UnavailableError


class HubTokenRefusedError(UnavailableError):
    """HF_TOKEN is wrong: the operator corrects it; until then models that are known can still be used."""

    def __init__(self) -> None:
        super().__init__("Hugging Face does not take HF_TOKEN. Please ask whoever runs Prime to check it.")
