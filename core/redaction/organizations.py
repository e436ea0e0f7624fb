"""Companies, by the legal form behind their name."""

import re
from collections.abc import Iterator

_FORM = re.compile(
    r",? (?:Inc(?:orporated)?|INC|Ltd|LTD|Limited|L\.?L\.?C|L\.?L\.?P|PLC|P\.?L\.?C|plc|Corp(?:oration)?|CORP|Pty"
    r"|gmbh|llc|ltd|inc|GmbH(?: & Co\.? KG(?:aA)?)?|GMBH|mbH|gGmbH|AG(?: & Co\.? KG(?:aA)?)?|UG|KGaA|OHG|e\.V|KG|SE"
    r"|S\.A\.R\.L|SARL|S\.?A\.?S|S\.A|SA|SAS|S\.?L\.?U?|S\.?r\.?l|s\.r\.l|SRL|S\.Com|S\.Coop|S\.C\.P|HB|s\.c"
    r"|S\.L\.[LNU]|i syn|e Filhos|S\.?p\.?A|SPA|B\.?V|N\.?V|Oyj?|AB|ASA?|A/S|ApS|Sp\. z o\.o|s\.r\.o|a\.s|Kft|Zrt"
    r"|Ltda|S/A|K\.K|Co\.,? Ltd|& Co(?:\. KG)?|(?:and|&) Sons|et Fils|e figli|Holdings?|Group)(?![\w/(-]|\.\w)\.?"
)
_NAME = re.compile(
    r"(?<![\w@/.#-])(?:(?:[A-Z\u00c0-\u017d0-9][\w&.'\u2019-]{0,30}|&|and|of|und|et|y|de|e|i"
    r"|och),? ){0,4}[A-Z\u00c0-\u017d0-9][\w&.'\u2019-]{0,30}\Z"
)
_IN_LOWER = re.compile(r"(?<![\w@/.-])[a-z][a-z-]{1,30}\Z")
_LOWER_FORMS = ("gmbh", "llc", "ltd", "inc")
_AMBIGUOUS = frozenset(
    {"SE", "AS", "AB", "SA", "SL", "NV", "BV", "KG", "UG", "AG", "SPA", "SAS", "Group", "Holding", "Holdings"}
)
"""Other things are called so, too: they need a name that is no abbreviation."""
_NO_NAMES = frozenset(
    """
    & a action ad admin age an and any as ask at auto availability by call consumer contact control copyright de
    dear def each et every file focus for from hello her hi his i if in instance is its log management my new node
    of option or our parameter placement process resource route scaling security state subnet support target test
    that the their these this to und use user val var via volume we which with worker working y your
    """.split()  # noqa: SIM905  a list would be seventy lines
)
"""Behind none of these a legal form is one, and a name does not begin with them."""
_YEAR = re.compile(r"(?:19|20)\d\d(?:-\d+)?,?")
_LONGEST = 100


def organizations(text: str) -> Iterator[tuple[int, int]]:
    for form in _FORM.finditer(text):
        legal = form[0].strip(" ,.")
        pattern = _IN_LOWER if legal in _LOWER_FORMS else _NAME
        name = pattern.search(text, max(0, form.start() - _LONGEST), form.start())
        if name is None:
            name = _NAME.search(text, max(0, form.start() - _LONGEST), form.start())
        if name is not None and (start := _start(name, legal)) is not None:
            end = (
                form.end() if legal.count(".") or not form[0].endswith(".") else form.end() - _is_end(text, form.end())
            )
            yield start, end


def _start(name: re.Match[str], legal: str) -> int | None:
    """Where the name begins, without a sentence's first words."""
    words = name[0].split(" ")
    start = name.start()
    while words and (words[0].lower().rstrip(",") in _NO_NAMES or _YEAR.fullmatch(words[0])):
        start += len(words.pop(0)) + 1
    if not words or words[-1].lower() in _NO_NAMES:
        return None
    is_abbreviation = len(words[-1]) < 3 or words[-1].isupper() or words[-1][0].isdigit()
    return None if legal in _AMBIGUOUS and is_abbreviation else start


def _is_end(text: str, end: int) -> bool:
    """Whether a full stop before it ends the sentence."""
    return end == len(text) or text[end] == "\n" or text[end + 1 : end + 2].isupper()
