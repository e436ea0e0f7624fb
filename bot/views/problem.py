"""What is shown when something went wrong in a modal."""

from typing import Any

from bot.mrkdwn import escape
from bot.views.kit import modal, section


def build_problem_modal(sentence: str) -> dict[str, Any]:
    return modal("problem", "That did not work", [section(escape(sentence))], close="Back")
