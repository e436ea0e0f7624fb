"""What stands in a redacted text in place of a value: `[EMAIL_1]`.

Models change what they repeat. Taken for `[EMAIL_1]` are also another case, a space inside a bracket or in place of an
underscore, full-width brackets, and escapes: `[EMAIL\\_1]`, `\\[EMAIL_1\\]`. What stands around it, such as `**`,
stays. A bare `EMAIL_1` is none."""

import re

from core.redaction.model import EntityType

LITERAL = "TEXT"
"""The kind of what only looks like a placeholder: words that somebody typed."""
LINK = "LINK"
"""The kind of a URL or link with a value inside."""
KINDS = (*(one.value for one in EntityType), LITERAL, LINK)
LONGEST = 32
"""Characters that a placeholder may have in any of its forms."""

_NAME = "(?P<kind%d>" + "|".join(one.replace("_", r"\\?[_ ]") for one in KINDS) + r")\\?[_ ](?P<number%d>[0-9]{1,6})"
FORMS = re.compile(
    rf"[\[\uff3b] ?{_NAME % (1, 1)} ?[\]\uff3d]|\\[\[\uff3b] ?{_NAME % (2, 2)} ?\\[\]\uff3d]", re.IGNORECASE | re.ASCII
)


def placeholder(kind: str, number: int) -> str:
    return f"[{kind}_{number}]"


def kind_of(one: str) -> str:
    return one[1:-1].rpartition("_")[0]


def number_of(one: str) -> int:
    return int(one[1:-1].rpartition("_")[2])


def meant(found: re.Match[str]) -> str:
    """Which placeholder one of its FORMS means."""
    kind, number = found["kind1"] or found["kind2"], found["number1"] or found["number2"]
    return placeholder(_plain(kind), int(number))


def unfinished(text: str) -> int:
    """Where the end of the text begins that may yet become one of the FORMS; the text's length if there is none."""
    start = max(0, len(text) - LONGEST)
    at = max(text.rfind("[", start), text.rfind("\uff3b", start))
    if at >= 0 and _may_become_one(text[at + 1 :]):
        return at - 1 if at and text[at - 1] == "\\" else at
    return len(text) - 1 if text.endswith("\\") else len(text)


def _may_become_one(begun: str) -> bool:
    name = _plain(begun.removeprefix(" "))
    return any(f"{kind}_".startswith(name) or _goes_on(name, f"{kind}_") for kind in KINDS)


def _goes_on(name: str, front: str) -> bool:
    return name.startswith(front) and name[len(front) :].removesuffix("_").isdecimal()


def _plain(name: str) -> str:
    return name.replace("\\", "").replace(" ", "_").upper()
