"""Text that may go out as it is, because it is not new to the model."""

from core.redaction.model import RedactedText


def seen_by_model(text: str) -> RedactedText:
    """Text that went out before in this form, or that came from the model.

    Turns are kept as the model saw them: of what people typed, only what a `Redactor` gave back; of answers, what came,
    before it was restored. So a value of somebody stands in it as its placeholder, or the model wrote it of its own
    accord. Never give it what somebody typed, nor an answer as people see it: those go through the `Redactor`, under
    the conversation's vault, which gives each value the placeholder it had. Nor is such a text redacted again: its
    placeholders would be taken for words that somebody typed."""
    return RedactedText(text)
