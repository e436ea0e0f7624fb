"""Numbers: telephones, ids, wallets, addresses of machines, dates of birth."""

from collections.abc import Callable, Iterator

import pytest

from core.redaction.birth_dates import birth_dates
from core.redaction.emails import emails
from core.redaction.national_ids import national_ids
from core.redaction.network_addresses import ip_addresses, mac_addresses
from core.redaction.payments import cards
from core.redaction.phones import phones
from core.redaction.wallets import wallets

Spans = Callable[[str], Iterator[tuple[int, int]]]


def found(spans: Spans, text: str) -> set[str]:
    return {text[start:end] for start, end in spans(text)}


@pytest.mark.parametrize(
    "phone",
    [
        "+49 (0)30 901820", "001-581-896-0013x3890", "+1-816-555-1212", "(581)896-0013", "581.896.0013",
        "+55 51 9482-1993", "+33 (0)1 23 45 67 89", "06 12 34 56 78", "020 7946 0958", "01234 567890",
        "138 1234 5678", "(11) 91234-5678", "412 34 567", "612 34 56 78", "(415) 555-2671 ext. 12",
    ],
)  # fmt: skip
def test_a_phone_number_is_known_by_its_form(phone: str) -> None:
    assert found(phones, f"she wrote {phone} on it") == {phone}


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("phone: 5551234", "5551234"),
        ("my number is 2569529413", "2569529413"),
        ("Tel. 510 806 232", "510 806 232"),
        ('"phone_number": "0782492086"', "0782492086"),
        ("call 7806671723 today", "7806671723"),
    ],
)
def test_digits_alone_are_a_phone_number_behind_a_word_that_says_so(text: str, phone: str) -> None:
    assert found(phones, text) == {phone}
    assert not found(phones, f"she wrote {phone} on it")


@pytest.mark.parametrize(
    "text",
    [
        "On 2026-11-23 at 12:30 we saw 1,234,567 rows of 1.2.3.4567", "call 1000000 times, reach 2000000 users",
        "536-22-1234", "192.168.100.200", "order 123-456-789", "12 34 56 78", "5 + 10000000", "02110-1301",
        "sizes 128 1024 4096 and 512 256 128 64",
    ],
)  # fmt: skip
def test_other_numbers_are_no_phone_numbers(text: str) -> None:
    assert not found(phones, text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("United States: 536-22-1234", "536-22-1234"),
        ("SSN: 536221234", "536221234"),
        ("ITIN 912-70-1234", "912-70-1234"),
        ("NINO AB 12 34 56 C", "AB 12 34 56 C"),
        ("NHS number 943 476 5919", "943 476 5919"),
        ("RSSMRA85T10A562S", "RSSMRA85T10A562S"),
        ("12345678Z", "12345678Z"),
        ("NIE X1234567L", "X1234567L"),
        ("529.982.247-25", "529.982.247-25"),
        ("Steuer-ID 86 095 742 719", "86 095 742 719"),
        ("2 55 08 14 168 025 38", "2 55 08 14 168 025 38"),
        ("BSN 111222333", "111222333"),
        ("85.07.30-033.28", "85.07.30-033.28"),
        ("756.9217.0769.85", "756.9217.0769.85"),
        ("PESEL 44051401359", "44051401359"),
        ("811218-9876", "811218-9876"),
        ("131052-308T", "131052-308T"),
        ("2341 2341 2346", "2341 2341 2346"),
        ("ABCPE1234F", "ABCPE1234F"),
        ("TFN 123 456 782", "123 456 782"),
        ("medicare 2123 45670 1", "2123 45670 1"),
        ("SIN 046 454 286", "046 454 286"),
        ("S1234567D", "S1234567D"),
        ("8001015009087", "8001015009087"),
        ("TCKN 10000000146", "10000000146"),
        ("HEGG560427MVZRRL04", "HEGG560427MVZRRL04"),
        ("900101-1234567", "900101-1234567"),
        ("11010519491231002X", "11010519491231002X"),
        ("passport number is X1234567", "X1234567"),
        ("my passport 123456789 and", "123456789"),
        ("driver's license D123-4567-8901", "D123-4567-8901"),
    ],
)
def test_a_national_id_is_known_by_its_check_digits_or_its_word(text: str, number: str) -> None:
    assert found(national_ids, text) == {number}


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456", "12345678A", "529.982.247-26", "RSSMRA85T10A562T", "811218-9875", "131052-308U",
        "2341 2341 2345", "S1234567A", "8001015009088", "1700000000000", "111222333", "44051401359", "943 476 5919",
        "passport authentication 12345", "commit 3f786850e387550fdab836ed7e6dc881de23001b", "2024-01-01", "T1234",
        "756.9217.0769.84", "85.07.30-033.29", "11010519491231002Y",
    ],
)  # fmt: skip
def test_a_number_with_a_wrong_check_digit_or_no_word_is_no_id(text: str) -> None:
    assert not found(national_ids, text)


@pytest.mark.parametrize(
    ("spans", "text", "expected"),
    [
        (birth_dates, "born on 12/03/1980, hired 2001-01-01", {"12/03/1980"}),
        (birth_dates, '"dob": "1980-03-12"', {"1980-03-12"}),
        (birth_dates, "geboren am 12. März 1980", {"12. März 1980"}),
        (birth_dates, "Date of Birth: March 3rd, 1980", {"March 3rd, 1980"}),
        (birth_dates, "née le 3 mai 1980", {"3 mai 1980"}),
        (birth_dates, "released on 2020-01-01", set()),
        (wallets, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", {"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}),
        (wallets, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", set()),
        (wallets, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", {"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"}),
        (wallets, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp", set()),
        (wallets, "0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe", {"0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe"}),
        (ip_addresses, "10.0.0.17:8080 and 10.0.0.0/8", {"10.0.0.17", "10.0.0.0"}),
        (ip_addresses, "fe80::1ff:fe23:4567:890a%eth0, 2001:db8::1", {"fe80::1ff:fe23:4567:890a", "2001:db8::1"}),
        (ip_addresses, "version 1.2.3.4, 1.2.3.4.5, 12:30:45, x[::2], std::dead, 999.1.1.1", set()),
        (mac_addresses, "00:1A:2b:3c:4d:5e or 001a.2b3c.4d5e", {"00:1A:2b:3c:4d:5e", "001a.2b3c.4d5e"}),
        (mac_addresses, "12:30:45:10:11:12:13 and 10:20:30", set()),
        (emails, "al [at] acme [dot] com", {"al [at] acme [dot] com"}),
        (cards, "4111.1111.1111.1111, 1111 1111 1111 1111", {"4111.1111.1111.1111"}),
    ],
)
def test_what_has_a_form_is_found_and_nothing_like_it(spans: Spans, text: str, expected: set[str]) -> None:
    assert found(spans, text) == expected
