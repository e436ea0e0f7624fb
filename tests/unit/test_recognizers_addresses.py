"""Street addresses, in whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.redaction.addresses import addresses


def found(text: str) -> list[str]:
    return [text[start:end] for start, end in addresses(text)]


@pytest.mark.parametrize(
    "address",
    [
        "742 Evergreen Terrace, Springfield",
        "1600 Pennsylvania Ave NW, Washington, DC 20500",
        "123 main street",
        "12 high street, flat 3",
        "221B Baker Street",
        "350 5th Ave",
        "48764 Howard Forge Apt. 421\nVanessaside, VT 79393",
        "Unit 1234 Box 5678\nDPO AP 12345",
        "P.O. Box 123, Austin, TX 78701",
        "55 OAK STREET, SUITE 400, BOSTON, MA 02110",
        "24 Sussex Drive, Ottawa, ON K1M 1M4",
        "Flat 30o\nWhite mill\nPort Joan\nB1 2AB",
        "10 Downing Street, London SW1A 2AA",
        "42 Wallaby Way, Sydney NSW 2000",
        "61/60 Carlos Distributor\nMartinmouth, ACT, 2509",
        "Hauptstraße 5, 10115 Berlin",
        "hauptstr. 12a 80331 München",
        "Am Markt 5, 10115 Berlin",
        "Wenke-Fritsch-Ring 2",
        "Berliner Allee 12",
        "Postfach 12 34",
        "12 rue Victor Hugo, 75001 Paris",
        "rue Lepic, 75018 Paris",
        "5 bis, avenue de la République",
        "Via Roma 12, 00184 Roma",
        "Calle de Alcalá, 45, 28014 Madrid",
        "Rua Augusta 123",
        "ul. Marszałkowska 10, 00-590 Warszawa",
        "Prinsengracht 263, 1016 GV Amsterdam",
        "Storgatan 12, 111 22 Stockholm",
    ],
)
@pytest.mark.parametrize("template", ["{}", "it goes to {} by noon", "He said: {}; and left."])
def test_an_address_is_one_finding(address: str, template: str) -> None:
    assert found(template.format(address)) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "We have 3 ways to go this way, and 2 lane road",
        "String 5 and Gate 3, Monitoring 2, an aggregate 10",
        "connect via Redis 6 or via Docker 20.10",
        "see Chapter 5, 2023 Report",
        "The 10 new features in Python 3 of the street",
        "on line 12 place a breakpoint, step 2 Run the test, top 10 Places to visit",
        "10000 Requests per second, port 8080 and 5 Google Cloud Run services",
        "after 30 days drop the table on a 500 GB hard drive",
        "HTTP 200 OK 10000",
        "versions 6, 7, 8 per RFC 9562",
        "from 2020 to 2024 Berlin had Room 5 at 10",
        "Error 404 Not Found Page",
        "5 main points and unit 3",
    ],
)
def test_numbers_and_words_are_no_address(text: str) -> None:
    assert not found(text)


@given(st.text(alphabet="12 5,\nAeStraße.Road B1AvenueNWTX/-"))
def test_addresses_lie_in_the_text_and_apart(text: str) -> None:
    spans = list(addresses(text))
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
