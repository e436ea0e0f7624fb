"""Texts with personal data in them and where it stands, made with Faker: nobody tuned for its values.

`texts(seed, held_out=...)` fills the templates of templates.toml. A template's values come from one country, so that
names, streets and numbers belong together."""

import random
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

from faker import Faker

from core.redaction.model import EntityType
from tests.corpus.values import Values

TEMPLATES = Path(__file__).with_name("templates.toml")
TECHNICAL = Path(__file__).with_name("technical.txt")
PER_TEMPLATE = 4
LOCALES = ("en_US", "en_US", "en_GB", "en_IN", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "ja_JP")
"""Where the people of a text come from: many write English, and bear other names."""

TYPES: Mapping[str, EntityType] = {
    "person": EntityType.PERSON,
    "first": EntityType.PERSON,
    "last": EntityType.PERSON,
    "company": EntityType.ORGANIZATION,
    "company_bare": EntityType.ORGANIZATION,
    "email": EntityType.EMAIL,
    "phone": EntityType.PHONE,
    "phone_plain": EntityType.PHONE,
    "address": EntityType.ADDRESS,
    "address_line": EntityType.ADDRESS,
    "street": EntityType.ADDRESS,
    "city": EntityType.LOCATION,
    "card": EntityType.CARD,
    "iban": EntityType.IBAN,
    "national_id": EntityType.NATIONAL_ID,
    "birth_date": EntityType.BIRTH_DATE,
    "ip": EntityType.IP_ADDRESS,
    "mac": EntityType.MAC_ADDRESS,
    "wallet": EntityType.WALLET,
    "secret": EntityType.SECRET,
    "password": EntityType.SECRET,
}
"""Of what a template names."""
_WORDS = (EntityType.PERSON, EntityType.ORGANIZATION, EntityType.LOCATION, EntityType.ADDRESS)
"""What is written as the words around it; nobody writes an IBAN in lower case."""
_CASES: Mapping[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper}
"""How all of a register is written."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    start: int
    end: int
    type: EntityType


@dataclass(frozen=True, slots=True)
class Labelled:
    text: str
    spans: Sequence[Span]
    register: str


@cache
def templates(*, held_out: bool) -> Mapping[str, Sequence[str]]:
    """By register: the first, third, ... of each to tune by, the others to judge by."""
    found = tomllib.loads(TEMPLATES.read_text(encoding="utf-8"))
    return {register: lines[held_out::2] for register, lines in found.items()}


def texts(seed: int, *, held_out: bool, per_template: int = PER_TEMPLATE) -> Iterator[Labelled]:
    """The same ones for the same seed."""
    chance = random.Random(seed)
    for register, lines in templates(held_out=held_out).items():
        for template in lines:
            for _ in range(per_template):
                fake = Faker(chance.choice(LOCALES))
                fake.seed_instance(chance.randrange(2**32))
                yield _filled(template, register, Values(fake, chance))


def technical() -> Sequence[str]:
    """What engineers ask, without anything personal."""
    return [one.strip("\n") for one in TECHNICAL.read_text(encoding="utf-8").split("\n----\n")]


def _filled(template: str, register: str, values: Values) -> Labelled:
    cased = _CASES.get(register, str)
    text, spans = "", list[Span]()
    for literal, name, _, _ in Formatter().parse(template):
        text += cased(literal)
        if name is not None:
            kind = TYPES[name]
            value = getattr(values, name)()
            if kind in _WORDS:
                value = cased(value)
            if kind is EntityType.NATIONAL_ID:
                text += values.before_national_id()
            spans.append(Span(len(text), len(text) + len(value), kind))
            text += value
    return Labelled(text, spans, register)
