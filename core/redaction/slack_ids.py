"""Slack's own numbers. They mean nothing outside, and must come back as they are."""

import re

_IDS = re.compile(r"<(?:@[UW]|#[CDG]|!subteam\^S)[A-Z0-9]{2,20}(?=[|>])|<!date\^\d{1,12}(?=\^)")


def slack_ids(text: str) -> list[tuple[int, int]]:
    """Where they stand in a folded text; the label behind an id is not part of it."""
    return [found.span() for found in _IDS.finditer(text)] if "<" in text else []


def without_slack_ids(text: str) -> str:
    """As long as it was, with nothing where they stand."""
    return _IDS.sub(lambda found: "\0" * len(found[0]), text) if "<" in text else text
