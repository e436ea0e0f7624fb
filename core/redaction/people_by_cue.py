"""People whose names something beside them tells: a title, a greeting, `From:`, a heading, a mail address."""

import re
from collections.abc import Iterator

from core.redaction.folding import lowered
from core.redaction.name_columns import names_in_columns
from core.redaction.name_cues import CUES
from core.redaction.name_forms import ANY, NAME, WORD, name_size

_MAIL = re.compile(r"[<(\[](?:mailto:)?[\w.%+-]{1,64}@")
_BEFORE_MAIL = re.compile(rf"(?<![\w.-])(?P<name>{WORD}, {NAME}|{ANY})[\"']?,? ?\Z")
_REACH = 80
"""Characters before a mail address in which its name stands."""


def people(text: str) -> Iterator[tuple[int, int]]:
    lower = lowered(text)
    for cue in CUES:
        if any(hint in lower for hint in cue.hints):
            for before in cue.before.finditer(lower):
                found = cue.names.match(text, before.end())
                if found is not None and (size := name_size(found["name"], fewest_words=cue.fewest_words)):
                    yield found.start("name"), found.start("name") + size
    yield from _with_mail(text)
    yield from names_in_columns(text)


def _with_mail(text: str) -> Iterator[tuple[int, int]]:
    """`"Alice Smith" <alice@acme.example>`."""
    for mail in _MAIL.finditer(text):
        found = _BEFORE_MAIL.search(text, max(0, mail.start() - _REACH), mail.start())
        if found is not None and (size := name_size(found["name"])):
            yield found.start("name"), found.start("name") + size
