"""The values of one text: those of one country's people, and secrets in the shapes that they really have."""

import base64
import hashlib
import json
import random
import string

from faker import Faker

_LETTERS = string.ascii_letters + string.digits
_URL = _LETTERS + "_-"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%B %d, %Y", "%d %b %Y", "%m/%d/%Y")
_NIF_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_ID_NAMES = {"pl_PL": "PESEL ", "nl_NL": "BSN ", "en_IN": "Aadhaar "}
"""What stands before those that are nothing but digits."""


class Values:
    """A method for each name that a template may hold."""

    def __init__(self, fake: Faker, chance: random.Random) -> None:
        self._fake = fake
        self._chance = chance
        self._locale = fake.locales[0]

    def person(self) -> str:
        if self._locale == "ja_JP":
            return self._fake.romanized_name()
        return f"{self.first()} {self.last()}"

    def first(self) -> str:
        return self._fake.first_romanized_name() if self._locale == "ja_JP" else self._fake.first_name()

    def last(self) -> str:
        return self._fake.last_romanized_name() if self._locale == "ja_JP" else self._fake.last_name()

    def company(self) -> str:
        """With a legal form."""
        suffix = {"de_DE": "GmbH", "fr_FR": "SARL", "es_ES": "S.L.", "it_IT": "S.r.l.", "nl_NL": "B.V."}
        forms = ("Inc.", "LLC", "Ltd", "Corp.", "Limited")
        return f"{self.company_bare()} {suffix.get(self._locale, self._chance.choice(forms))}"

    def company_bare(self) -> str:
        second = ("Systems", "Logistics", "Partners", "Foods", "Capital", "Industries", "Labs", "Group", "Motors")
        names = (
            f"{self.last()} {self._chance.choice(second)}",
            f"{self.last()} & {self.last()}",
            self._fake.bs().split()[-1].title() + self._chance.choice(("io", "ly", "ware", "tex")),
        )
        return self._chance.choice(names)

    def email(self) -> str:
        return self._fake.ascii_email()

    def phone(self) -> str:
        return self._fake.phone_number()

    def phone_plain(self) -> str:
        """As machines write it."""
        return "+" + "".join(self._digits(["1", "44", "49", "33", "39", "48"][self._chance.randrange(6)], 10))

    def address(self) -> str:
        if self._locale == "ja_JP":
            return self._western().address()
        return self._fake.address()

    def address_line(self) -> str:
        return ", ".join(self.address().splitlines())

    def street(self) -> str:
        found = self._western() if self._locale == "ja_JP" else self._fake
        return found.street_address().splitlines()[0].strip()

    def city(self) -> str:
        return self._chance.choice(_CITIES) if self._chance.random() < 0.7 else self._western().country()

    def card(self) -> str:
        number = self._fake.credit_card_number()
        separator = self._chance.choice(("", " ", "-"))
        return (
            separator.join(number[place : place + 4] for place in range(0, len(number), 4))
            if len(number) == 16
            else number
        )

    def iban(self) -> str:
        number = self._fake.iban()
        return (
            number if self._chance.random() < 0.5 else " ".join(number[at : at + 4] for at in range(0, len(number), 4))
        )

    def national_id(self) -> str:
        match self._locale:
            case "fr_FR" | "it_IT" | "nl_NL":
                return self._fake.ssn()
            case "es_ES":
                number = self._chance.randrange(10**7, 10**8)
                return f"{number}{_NIF_LETTERS[number % 23]}"
            case "pl_PL":
                return self._fake.pesel()
            case "en_IN":
                return self._fake.aadhaar_id()
            case "en_GB":
                return (
                    f"{self._of('AB', 1)}{self._of('CEHJKLM', 1)} "
                    + " ".join(self._of(string.digits, 2) for _ in range(3))
                    + f" {self._of('ABCD', 1)}"
                )
            case _:
                return self._western().ssn()

    def before_national_id(self) -> str:
        return _ID_NAMES.get(self._locale, "")

    def birth_date(self) -> str:
        return self._fake.date_of_birth(minimum_age=18, maximum_age=90).strftime(self._chance.choice(_DATES))

    def ip(self) -> str:
        return self._fake.ipv6() if self._chance.random() < 0.25 else self._fake.ipv4_public()

    def mac(self) -> str:
        return self._fake.mac_address()

    def wallet(self) -> str:
        if self._chance.random() < 0.5:
            return "0x" + self._of("0123456789abcdef", 40)
        body = b"\0" + self._chance.randbytes(20)
        return "1" + _base58(body + hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4])

    def secret(self) -> str:
        shapes = (
            lambda: "AKIA" + self._of(string.ascii_uppercase + "234567", 16),
            lambda: "ghp_" + self._of(_LETTERS, 36),
            lambda: "github_pat_" + self._of(_LETTERS, 22) + "_" + self._of(_LETTERS, 59),
            lambda: "glpat-" + self._of(_URL, 20),
            lambda: (
                "xoxb-" + self._of(string.digits, 12) + "-" + self._of(string.digits, 12) + "-" + self._of(_LETTERS, 24)
            ),
            lambda: "sk_live_" + self._of(_LETTERS, 24),
            lambda: "sk-proj-" + self._of(_URL, 74) + "T3BlbkFJ" + self._of(_URL, 74),
            lambda: "sk-ant-api03-" + self._of(_URL, 93) + "AA",
            lambda: "hf_" + self._of(string.ascii_letters, 34),
            lambda: "AIza" + self._of(_URL, 35),
            lambda: "npm_" + self._of(_LETTERS, 36),
            lambda: "SG." + self._of(_URL, 22) + "." + self._of(_URL, 43),
            self._jwt,
        )
        return self._chance.choice(shapes)()

    def password(self) -> str:
        return self._of(_LETTERS, 8) + self._of("!%*-_.", 1) + self._of(_LETTERS, 7)

    # --- parts

    def _jwt(self) -> str:
        parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": self._of(string.digits, 10), "iat": 1_700_000_000})
        coded = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts]
        return ".".join([*coded, self._of(_URL, 43)])

    def _of(self, alphabet: str, count: int) -> str:
        return "".join(self._chance.choices(alphabet, k=count))

    def _digits(self, before: str, count: int) -> str:
        return before + self._of("23456789", 1) + self._of(string.digits, count - 1)

    def _western(self) -> Faker:
        fake = Faker("en_US")
        fake.seed_instance(self._chance.randrange(2**32))
        return fake


_CITIES = (
    "Berlin", "Lisbon", "Chicago", "Toulouse", "Porto", "Osaka", "Manchester", "Krakow", "Pune", "Buenos Aires",
    "Sevilla", "Bologna", "Rotterdam", "Gothenburg", "Denver", "San Diego", "Kyoto", "Nairobi", "Ljubljana", "Antwerp",
    "Montreal",
    "Salzburg", "Leeds", "Gdansk",
)  # fmt: skip


def _base58(data: bytes) -> str:
    number, text = int.from_bytes(data), ""
    while number:
        number, place = divmod(number, 58)
        text = _BASE58[place] + text
    return text
