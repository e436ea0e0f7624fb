"""What may stand on a team's lists."""

from collections.abc import Sequence

from core.errors import InvalidInputError
from core.redaction.lexicon import read_terms

MOST_TERMS = 20_000
LENGTH = range(2, 101)
"""Characters of a term."""
MOST_WORDS = 8

_ORDINARY = frozenset(
    # What stands in nearly every text. Replaced everywhere, one of these leaves nothing to answer.
    """
    a about after again all also am an and another any are as ask at back be because been before being best better but
    by call came can client come company could customer data day days did do does done down each email even every file
    find first for from get give go good got great had has have he hello help her here hi him his how i if in into is it
    its just key know last let like line list look made mail make many may me meeting message model more most much must
    my name need never new next no not now number of off on one only or order other our out over password people person
    phone please price product project question right said same say see send server she should so some still such take
    team tell test text than thank thanks that the their them then there these they thing things think this those time
    to today tomorrow too two up us use used user very want was way we week well were what when where which who why will
    with word work would write year years yes yesterday you your
    """.split()  # noqa: SIM905  a list would be two hundred lines
)


def checked_terms(text: str, *, is_allowed: bool) -> Sequence[str]:
    """One a line, each once. With `is_allowed` they are never replaced, so ordinary words do no harm.

    Raises InvalidInputError (`terms`), which names the line."""
    terms: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        for term in read_terms(line):
            problem = _problem(term, is_allowed=is_allowed)
            if problem is not None:
                raise InvalidInputError(f"Line {number} {problem}. Nothing was added.", field="terms")
            terms[term] = None
    if len(terms) > MOST_TERMS:
        raise InvalidInputError(f"A list holds at most {MOST_TERMS:,} terms. Nothing was added.", field="terms")
    return list(terms)


def _problem(term: str, *, is_allowed: bool) -> str | None:
    if len(term) not in LENGTH:
        return f"has to have {LENGTH.start} to {LENGTH.stop - 1} characters"
    if len(term.split()) > MOST_WORDS:
        return f"has more than {MOST_WORDS} words"
    if not term.isprintable() or not any(map(str.isalnum, term)):
        return "is no word"
    if not is_allowed and (term.isdecimal() or term.casefold() in _ORDINARY):
        return "is too ordinary: it would be replaced in nearly every text"
    return None
