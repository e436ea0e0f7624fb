"""Names by NLTK's chunker, for who has its data: no package index carries that, and Prime downloads nothing."""

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

from core.errors import ConfigurationError
from core.redaction.code_spans import code_spans
from core.redaction.folding import fold
from core.redaction.guesses import Believer, Guess, outermost
from core.redaction.model import EntityType, Finding
from core.redaction.not_names import blanked
from core.redaction.recognizers import find
from core.redaction.rules_detector import in_original

_TYPES = {
    "PERSON": EntityType.PERSON,
    "ORGANIZATION": EntityType.ORGANIZATION,
    "GPE": EntityType.LOCATION,
    "LOCATION": EntityType.LOCATION,
    "FACILITY": EntityType.LOCATION,
}
_BELIEVER = Believer(frozenset())
_HOW = (
    "PRIME_REDACTION_ENGINE is nltk, but {what} is not here. Install the package nltk, and its data punkt_tab, "
    "averaged_perceptron_tagger_eng, maxent_ne_chunker_tab and words where NLTK_DATA points, or use the engine spacy."
)


class NltkReader:
    def __init__(self) -> None:
        """Raises ConfigurationError if NLTK or its data is not there."""
        try:
            self._nltk: Any = importlib.import_module("nltk")
        except ImportError as error:
            raise ConfigurationError(_HOW.format(what="NLTK")) from error
        try:
            self._names("Ada Lovelace lives in London.")
        except LookupError as error:
            raise ConfigurationError(_HOW.format(what="its data")) from error

    def find(self, texts: Sequence[str]) -> Sequence[Sequence[Finding]]:
        """Of each text, in its own characters; stretches may overlap."""
        return [self._find(text) for text in texts]

    def _find(self, text: str) -> list[Finding]:
        folded, places = fold(text)
        by_form = find(folded)
        code = list(code_spans(folded))
        prose = blanked(folded, code)
        named = _BELIEVER.believed(prose, self._guesses(prose), code=code, by_form=by_form)
        return in_original(outermost([*by_form, *named]), text, places)

    def _guesses(self, text: str) -> Iterator[Guess]:
        """The chunker tells words, not places: they are looked for in their order."""
        since = 0
        for name, kind in self._names(text):
            start = text.find(name, since)
            if start < 0:
                continue
            since = start + len(name)
            yield start, since, kind

    def _names(self, text: str) -> Iterator[tuple[str, EntityType]]:
        found: list[tuple[str, EntityType]] = []
        for sentence in self._nltk.sent_tokenize(text):
            for chunk in self._nltk.ne_chunk(self._nltk.pos_tag(self._nltk.word_tokenize(sentence))):
                kind = _TYPES.get(chunk.label()) if hasattr(chunk, "label") else None
                if kind is not None:
                    found.append((" ".join(word for word, _ in chunk.leaves()), kind))
        return iter(found)
