"""Putting values back where an answer holds their placeholders, in any of the forms of core/redaction/placeholders.py.

A number that was never given stays as it is, so does all that stands inside a URL or a link's target, and what was
restored is not looked through again."""

import re

from core.redaction.links import REACH, is_in_link
from core.redaction.placeholders import FORMS, may_hold_one, meant, meant_otherwise, unfinished
from core.redaction.vault import Vault


class Restorer:
    """For one answer, as it comes: however it is cut, what comes out is in all the same. Holds back no more than
    `placeholders.LONGEST` characters, and only what may yet become a placeholder."""

    def __init__(self, vault: Vault) -> None:
        self._values = dict(vault.values)
        self._held = ""
        self._before = ""
        """What came, not restored, as far back as a URL may begin."""

    def feed(self, text: str) -> str:
        """What can be shown of all that came, beyond what was given before."""
        if not self._values:
            return text
        if not self._held and not may_hold_one(text):
            self._before = (self._before + text)[-REACH:]
            return text
        begin = len(self._before)
        text = self._before + self._held + text
        return self._let_go(text, begin, unfinished(text, begin))

    def drop(self) -> str:
        """What was held back, if that is the beginning of a placeholder that was given out: of an answer that was cut
        off, to which a model may yet say the rest. Nothing of it is given by `flush` then."""
        held = self._held
        if len(held) < 2 or not any(one.startswith(held.upper()) for one in self._values):
            return ""
        self._held = ""
        return held

    def flush(self) -> str:
        """What was held back, at the end."""
        begin = len(self._before)
        text = self._before + self._held
        return self._let_go(text, begin, len(text))

    def _let_go(self, text: str, begin: int, end: int) -> str:
        """The part from `begin` to `end`. What stands before it and after it tells what is a word of its own."""
        pieces: list[str] = []
        place = begin
        for found in FORMS.finditer(text, begin):
            if found.start() >= end:
                break
            value = self._value(found)
            if value is not None and not is_in_link(text[max(0, found.start() - REACH) : found.start()]):
                pieces += text[place : found.start()], value
                place = found.end()
        self._before, self._held = text[max(0, end - REACH) : end], text[end:]
        return "".join([*pieces, text[place:end]])

    def _value(self, found: re.Match[str]) -> str | None:
        value = self._values.get(meant(found))
        if value is None and (other := meant_otherwise(found)) is not None:
            return self._values.get(other)
        return value


def restore(text: str, vault: Vault) -> str:
    """All of an answer at once."""
    restorer = Restorer(vault)
    return restorer.feed(text) + restorer.flush()
