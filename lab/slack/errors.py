"""How the lab's Slack says no."""


class SlackError(Exception):
    """A refusal with Slack's own code. `details` go into the answer beside it."""

    def __init__(self, code: str, message: str = "", **details: object) -> None:
        super().__init__(message or code)
        self.code = code
        self.details = details


def invalid_arguments(message: str) -> SlackError:
    return SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {message}"]})
