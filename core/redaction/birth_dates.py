"""Dates of birth: dates behind a word that says so."""

import re
from collections.abc import Iterator

from core.redaction.folding import lowered

_CUE = re.compile(
    r"\b(?:born|(?:date|day) of birth|birth[ _-]?(?:date|day)|dateofbirth|d\.?o\.?b\b|geboren|geb\.|geburtsdatum"
    r"|geburtstag|n\u00e9e? (?:le|en)|date de naissance|nat[oa] il|data di nascita|nacid[oa]|fecha de nacimiento"
    r"|nascid[oa]|data de nascimento|geboortedatum|f\u00f6dd|f\u00f8dt|syntynyt|urodzon[ya]|data urodzenia)"
)
_MONTH = (
    r"(?:jan(?:uary|uar|vier)?|f[e\u00e9]b(?:ruary|ruar)?|f\u00e9vrier|mar(?:ch|s)?|m\u00e4rz|a[pv]r(?:il)?|ma[iy]"
    r"|june?|juni|juin|jul[iy]?|juillet|aug(?:ust)?|ao\u00fbt|sep(?:t|tember|tembre)?|o[ck]t(?:ober|obre)?"
    r"|nov(?:ember|embre)?|de[cz](?:ember)?|d\u00e9cembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto"
    r"|septiembre|octubre|noviembre|diciembre)\.?"
)
_DATE = re.compile(
    r"(?<!\w)(?:\d{4}([-/. ])\d{1,2}\1\d{1,2}|\d{1,2}(?P<mark>[-/.] ?| )\d{1,2}(?P=mark)(?:19|20)?\d\d|(?:19|20)\d{6}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.|er)?[ -](?:of |de )?{_MONTH}(?:[ -]|, | de )\d{{2,4}}|{_MONTH} \d{{1,2}}(?:st|nd"
    rf"|rd|th)?,? \d{{4}})(?!\w)"
)
_HINTS = (
    "born",
    "birth",
    "dob",
    "d.o.b",
    "d.ob",
    "geb",
    "n\u00e9",
    "naissance",
    "nat",
    "nasc",
    "naci",
    "f\u00f6dd",
    "f\u00f8dt",
    "synt",
    "urodz",
)
_REACH = 45
"""Characters behind the word in which its date begins and ends."""


def birth_dates(text: str) -> Iterator[tuple[int, int]]:
    lower = lowered(text)
    if not any(hint in lower for hint in _HINTS):
        return
    for cue in _CUE.finditer(lower):
        end = lower.find("\n", cue.end(), cue.end() + _REACH)
        date = _DATE.search(lower, cue.end(), cue.end() + _REACH if end < 0 else end)
        if date is not None:
            yield date.span()
