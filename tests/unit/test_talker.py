"""What the talker notes of prompts that did not leave."""

import pytest

from core.redaction.errors import DetectorsBusyError, GateError, RedactionFailedError
from core.talk.redacting import NotSentError
from core.talk.talker import not_sent_action


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (NotSentError("no", {}), "redaction.prompt.block"),
        (RedactionFailedError(), "redaction.prompt.fail"),
        (DetectorsBusyError(), "redaction.prompt.fail"),
        (GateError(), "redaction.gate.close"),
    ],
)
def test_whatever_kept_a_prompt_back_is_audited(
    error: NotSentError | RedactionFailedError | GateError, action: str
) -> None:
    assert not_sent_action(error) == action
