"""Putting values back where an answer holds their placeholders, in any of the forms of core/redaction/placeholders.py.

A number that was never given stays as it is, so does all that stands inside a URL or a link's target, and what was
restored is not looked through again."""

from core.redaction.links import REACH, is_in_link
from core.redaction.placeholders import FORMS, meant, unfinished
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
        if not self._held and "[" not in text and "\\" not in text and "\uff3b" not in text:
            self._before = (self._before + text)[-REACH:]
            return text
        text = self._held + text
        end = unfinished(text)
        self._held = text[end:]
        return self._restored(text[:end])

    def flush(self) -> str:
        """What was held back, at the end."""
        rest, self._held = self._held, ""
        return self._restored(rest)

    def _restored(self, text: str) -> str:
        pieces: list[str] = []
        end = 0
        for found in FORMS.finditer(text):
            value = self._values.get(meant(found))
            if value is None or is_in_link(self._before + text[max(0, found.start() - REACH) : found.start()]):
                continue
            pieces += text[end : found.start()], value
            end = found.end()
        self._before = (self._before + text)[-REACH:]
        return "".join([*pieces, text[end:]])


def restore(text: str, vault: Vault) -> str:
    """All of an answer at once."""
    restorer = Restorer(vault)
    return restorer.feed(text) + restorer.flush()
