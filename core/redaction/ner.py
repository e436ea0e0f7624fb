"""Names, by Presidio with a spaCy model. Imported in a detector's process alone: it costs seconds and 150 MB.

Another spaCy model is a setting away (PRIME_REDACTION_MODEL); another kind of recognizer, such as Presidio's
`GLiNERRecognizer`, is a line in `_recognizers`."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import spacy
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry
from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import SpacyRecognizer
from spacy.language import Language

from core.errors import ConfigurationError
from core.redaction.code_spans import code_spans
from core.redaction.folding import fold
from core.redaction.guesses import GUESSED, Believer, Guess, outermost
from core.redaction.model import EntityType, Finding
from core.redaction.not_names import blanked
from core.redaction.recognizers import find
from core.redaction.rules_detector import in_original

WINDOW, OVERLAP = 4000, 300
"""Characters that the model reads at once, and of these once more with the next."""
LEAST_SCORE = 0.4
_UNUSED = ["tagger", "parser", "attribute_ruler", "tok2vec", "senter"]
"""Pipes that names do not depend on; en_core_web_sm's NER has a tok2vec of its own."""
_TYPES = {
    "PERSON": EntityType.PERSON,
    "LOCATION": EntityType.LOCATION,
    "ORGANIZATION": EntityType.ORGANIZATION,
}
_LABELS = {
    "PERSON": "PERSON",
    "PER": "PERSON",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "LOCATION",
    "ORG": "ORGANIZATION",
}
"""Of spaCy's models -> of Presidio."""
_LINE = re.compile(r"[^\n]+")
_NOTHING = re.compile(r"\s{3,}")
"""What is left of other lines: one token rather than one a line."""
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")


class NerReader:
    def __init__(self, model: str) -> None:
        """Raises ConfigurationError if there is no such model."""
        nlp: Any = _loaded(model)
        self._believer = Believer(_dictionary(nlp))
        self.nlp = nlp
        registry = RecognizerRegistry(recognizers=_recognizers(), supported_languages=["en"])
        self._analyzer = AnalyzerEngine(
            registry=registry,
            nlp_engine=_Engine(nlp),
            supported_languages=["en"],
            default_score_threshold=LEAST_SCORE,
        )

    def find(self, texts: Sequence[str]) -> list[list[Finding]]:
        """Of each text, in its own characters; stretches may overlap."""
        return [self._find(text) for text in texts]

    def _find(self, text: str) -> list[Finding]:
        folded, places = fold(text)
        by_form = find(folded)
        code = list(code_spans(folded))
        prose = blanked(folded, code)
        titled = _titled(prose)
        named = self._believer.believed(prose, self._guesses(prose), code=code, by_form=by_form)
        again = self._believer.believed(titled, self._guesses(titled), code=code, by_form=by_form)
        # Capitals that the author did not write mislead the model where a single word is all it goes by.
        again = [
            one
            for one in again
            if one.type is EntityType.LOCATION or (one.type is EntityType.PERSON and " " in titled[one.start : one.end])
        ]
        return in_original(outermost([*by_form, *named, *again]), text, places)

    def _guesses(self, text: str) -> Iterator[Guess]:
        if not text.strip():
            return
        for start, end in _windows(text):
            with self.nlp.memory_zone():  # else the vocabulary keeps every word that was ever read
                guesses = self._analyzer.analyze(text[start:end], language="en", entities=list(_TYPES))
            for one in guesses:
                yield start + one.start, start + one.end, _TYPES[one.entity_type]


def _recognizers() -> list[EntityRecognizer]:
    return [SpacyRecognizer(supported_entities=list(_TYPES))]


def _loaded(model: str) -> Language:
    try:
        nlp = spacy.load(model, exclude=_UNUSED)
    except OSError as error:
        raise ConfigurationError(
            f"PRIME_REDACTION_MODEL is {model!r}, but there is no such spaCy model here. Install its package, or give "
            "the path of its folder."
        ) from error
    if "ner" not in nlp.pipe_names:
        raise ConfigurationError(f"PRIME_REDACTION_MODEL is {model!r}, a spaCy model that finds no names.")
    return nlp


def _dictionary(nlp: Any) -> frozenset[str]:
    """The words that the model's lemmatizer knows (WordNet's, in spaCy's English models), which then goes. Empty if it
    has none; then more is taken for a name."""
    if "lemmatizer" not in nlp.pipe_names:
        return frozenset()
    _, lemmatizer = nlp.remove_pipe("lemmatizer")
    index = lemmatizer.lookups.get_table("lemma_index", {})
    return frozenset(word for words in index.values() for word in words)


class _Engine(SpacyNlpEngine):
    def __init__(self, nlp: Any) -> None:
        labels = NerModelConfiguration(
            model_to_presidio_entity_mapping=_LABELS,
            labels_to_ignore=[label for label in nlp.get_pipe("ner").labels if label not in _LABELS],
            default_score=GUESSED,
        )
        super().__init__(ner_model_configuration=labels)
        self.nlp = {"en": nlp}

    def load(self) -> None:
        """It is loaded; Presidio's own would download what it does not find."""

    def _doc_to_nlp_artifact(self, doc: Any, language: str) -> Any:
        for token in doc:
            token.lemma_ = token.lower_  # by which Presidio knows the words around a finding
        return super()._doc_to_nlp_artifact(doc, language)


def _titled(text: str) -> str:
    """As long as before: lines wholly in lower or upper case with their words capitalised, and nothing else."""
    return _NOTHING.sub(lambda found: " " * (len(found[0]) - 1) + "\n", _LINE.sub(_titled_line, text))


def _titled_line(found: re.Match[str]) -> str:
    line = found[0]
    if len(line.split()) < 3 or not (line.islower() or line.isupper()):
        return " " * len(line)
    return _WORD.sub(_capitalised, line)


def _capitalised(found: re.Match[str]) -> str:
    word = found[0].capitalize()
    return word if len(word) == len(found[0]) else found[0]


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Stretches that overlap and begin and end between words."""
    start = 0
    while True:
        end = min(len(text), start + WINDOW)
        if end < len(text):
            least = end - OVERLAP
            end = max(text.rfind(" ", least, end), text.rfind("\n", least, end), least)
        yield start, end
        if end >= len(text):
            return
        start = max(text.find(" ", end - OVERLAP, end), end - OVERLAP)
