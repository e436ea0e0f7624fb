"""What a person's name consists of, and which of its words are words of every day, too."""

import re
from functools import cache
from importlib.resources import files

_TITLES = re.compile(
    r"(?:(?:mr|mrs|ms|miss|mx|dr|prof|professor|sir|dame|madam|rev|hon|frau|herr|hr|monsieur|mme|madame|mlle|sr|sra|srta"
    r"|se\u00f1or|se\u00f1ora|se\u00f1orita|dott|dottssa|ing|signor|signora|sig)(?:\. ?| ))+(?=\S)"
)
_PARTICLES = re.compile(r"al|bin|bint|da|das|de|del|della|den|der|di|do|dos|du|el|ibn|la|le|van|vom|von|y|zu")
_POSSESSIVE = re.compile(r"(?<=\w)(?:['\u2019]s|(?<=s)['\u2019])\Z")
_EDGES = ".,;:!?\"'\u2019()[]<>*_~`"
_LONGEST_NAME = 8
"""Words of a name whose parts are looked at."""


def is_ordinary(word: str) -> bool:
    """Whether a word, caseless, that is part of a name means something by itself, too."""
    return word in _ordinary_words()


def core_of(name: str) -> str:
    """A caseless name without titles in front and without `'s`."""
    return _TITLES.sub("", _POSSESSIVE.sub("", name), count=1)


def parts_of(core: str) -> list[str]:
    """Of a name of several words: each by itself that stands for the person, and several that follow each other."""
    words = [word.strip(_EDGES) for word in core.split()[:_LONGEST_NAME]]
    runs = (words[start:end] for start in range(len(words)) for end in range(start + 1, len(words) + 1))
    return [" ".join(run) for run in runs if len(run) < len(words) and all(run) and any(map(tells, run))]


def tells(word: str) -> bool:
    """Whether a word of a name may stand for the person: no initial, no number, no `von`, no word such as `in`."""
    is_short_word = len(word) < 2 or (len(word) == 2 and is_ordinary(word))
    return not is_short_word and any(map(str.isalpha, word)) and _PARTICLES.fullmatch(word) is None


@cache
def _ordinary_words() -> frozenset[str]:
    lines = files("core.redaction").joinpath("ordinary_words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
