"""The last look at what is about to leave: at the very bytes, by other means than those that made them."""

import base64
import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from urllib.parse import quote, unquote

from core.redaction.errors import GateError
from core.redaction.folding import fold, is_one_word
from core.redaction.hint import KEEP
from core.redaction.model import EntityType
from core.redaction.name_parts import core_of, is_ordinary
from core.redaction.placeholders import FORMS, LINK, LITERAL, kind_of
from core.redaction.secret_forms import certain_secrets_in
from core.redaction.slack_ids import without_slack_ids
from core.redaction.vault import NUMBERS, Vault

SHORTEST = 4
"""Characters of a value that is looked for."""
_ROLES = ("system", "user", "assistant")
"""Whole strings that engines ask for."""
_OWN_WORDS = re.compile(rf"{re.escape(KEEP)}|^(?:User|Assistant):", re.MULTILINE)
"""What Prime adds to texts."""
_TOKENS = re.compile(r"[^\W\d_\u0530-\U0010ffff]+|[0-9]+")
"""Words and numbers; beyond, scripts begin in which no space need stand between words."""
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
"""Slack's."""
_LETTERS_ALONE = {code: " " for code in range(128) if not chr(code).isalpha()}
_DIGITS_ALONE = {code: " " for code in range(128) if not chr(code).isdecimal()}
_SEPARATORS = r"[ \t./()_-]{0,3}"
"""What may stand between two characters of a number."""


class Gate:
    """For what goes out in one conversation."""

    def __init__(
        self,
        vault: Vault,
        *,
        looks_for_secrets: bool = True,
        canaries: Collection[str] = (),
        may_hold: Collection[str] = (),
    ) -> None:
        """`may_hold` are whole strings of a payload that nobody typed, such as the model's name. Keys are not looked at
        for values either, only for canaries."""
        self._vault = vault
        self._values = _Values(vault)
        self._looks_for_secrets = looks_for_secrets
        self._canaries = {one for canary in canaries for one in _spellings(canary)}
        self._may_hold = frozenset([*may_hold, *_ROLES])

    def check(self, payload: bytes) -> None:
        """`payload` is JSON. Raises GateError: it holds a value of the conversation, a secret or a canary."""
        told = json.loads(payload)
        if self._canaries and self._holds_canary(payload, told):
            raise GateError
        if self._values.count != len(self._vault.values):
            self._values = _Values(self._vault)
        if any(map(self._is_let_out, {*_texts(told)} - self._may_hold)):
            raise GateError

    def _is_let_out(self, text: str) -> bool:
        """Placeholders are no values, whatever they are called."""
        bare = FORMS.sub("\0", _OWN_WORDS.sub("\0", without_slack_ids(_plain(text))))
        if any(map(self._values.stand_in, _readings(bare))):
            return True
        return self._looks_for_secrets and any(True for _ in certain_secrets_in(bare.replace("\0", " ")))

    def _holds_canary(self, payload: bytes, told: object) -> bool:
        raw = payload.decode(errors="replace")
        for text in (raw, unquote(raw), *_texts(told, with_keys=True)):
            plain = _plain(text)
            for one in (plain.casefold(), plain.replace("-", "+").replace("_", "/").casefold()):
                if any(canary in one for canary in self._canaries):
                    return True
        return False


class _Values:
    """What must not stand in a text."""

    def __init__(self, vault: Vault) -> None:
        self.count = len(vault.values)
        self._caseless: dict[str, Collection[str]] = {}
        """With the words that a text has to have that holds it: what most texts lack."""
        self._to_the_letter: set[str] = set()
        """Words of every day that are a name only with a capital."""
        self._numbers: dict[str, str] = {}
        """Letters and digits of it, with the digits alone."""
        readings = ((kind_of(one), reading) for one, written in vault.values.items() for reading in _readings(written))
        for kind, written in readings:
            value = " ".join(_plain(written).split())
            caseless = value.casefold()
            if kind in NUMBERS:
                number = "".join(filter(str.isalnum, caseless))
                if len(number) >= SHORTEST:
                    self._numbers[number] = "".join(filter(str.isdecimal, number))
            elif kind == EntityType.PERSON and is_ordinary(core_of(caseless)):
                if not value[0].islower():
                    self._to_the_letter.add(value)
            elif kind not in (LITERAL, LINK):
                name = core_of(caseless) if kind == EntityType.PERSON else caseless
                if len(name) >= SHORTEST:
                    self._caseless[name] = _TOKENS.findall(name)

    def stand_in(self, text: str) -> bool:
        caseless = text.casefold()
        words = _words(caseless)
        found = [one for one, needed in self._caseless.items() if words.issuperset(needed)]
        if found:
            one_line = " ".join(caseless.split())
            if any(_holds(one_line, one) for one in found):
                return True
        if any(_holds(text, one) for one in self._to_the_letter):
            return True
        digits = "".join(caseless.translate(_DIGITS_ALONE).split()) if self._numbers else ""
        return any(needed in digits and _holds_number(caseless, one) for one, needed in self._numbers.items())


def _texts(told: object, *, with_keys: bool = False) -> Iterator[str]:
    match told:
        case str():
            yield told
        case dict():
            for key, value in told.items():  # pyright: ignore[reportUnknownVariableType]: JSON
                if with_keys:
                    yield str(key)  # pyright: ignore[reportUnknownArgumentType]
                yield from _texts(value, with_keys=with_keys)  # pyright: ignore[reportUnknownArgumentType]
        case list():
            for value in told:  # pyright: ignore[reportUnknownVariableType]: JSON
                yield from _texts(value, with_keys=with_keys)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            pass


def _plain(text: str) -> str:
    """Without what hides a value: by the whole text, where detectors go by character, since no places are needed."""
    for escape, character in _ESCAPES:
        text = text.replace(escape, character)
    if text.isascii():
        return text
    text = "".join(one for one in text if unicodedata.category(one) != "Cf")
    return _OTHER_DIGIT.sub(lambda found: str(int(found[0])), unicodedata.normalize("NFKC", text))


def _readings(text: str) -> Collection[str]:
    """As it is, and with Latin letters for those that look like them."""
    return (text,) if text.isascii() else {text, fold(text)[0]}


def _words(text: str) -> set[str]:
    if text.isascii():  # ten times as fast
        return {*text.translate(_LETTERS_ALONE).split(), *text.translate(_DIGITS_ALONE).split()}
    return set(_TOKENS.findall(text))


def _holds(text: str, value: str) -> bool:
    start = text.find(value)
    while start >= 0:
        if _is_apart(text, start, start + len(value)):
            return True
        start = text.find(value, start + 1)
    return False


def _holds_number(text: str, number: str) -> bool:
    pattern = re.compile(_SEPARATORS.join(map(re.escape, number)))
    return any(_is_apart(text, *found.span()) for found in pattern.finditer(text))


def _is_apart(text: str, start: int, end: int) -> bool:
    return not is_one_word(text[max(0, start - 1) : start + 1]) and not is_one_word(text[end - 1 : end + 1])


def _spellings(canary: str) -> Iterator[str]:
    """Caseless: as it is, in a URL, and in base64 wherever it begins there."""
    plain = canary.casefold()
    yield from (plain, quote(canary, safe="").casefold())
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + canary.encode()).decode().rstrip("=")
        first = -(-before * 8 // 6)
        yield coded[first : len(coded) - 1].casefold()
