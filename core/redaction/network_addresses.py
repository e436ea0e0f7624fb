"""Addresses of machines: IP, version 4 and 6, and MAC."""

import ipaddress
import re
from collections.abc import Iterator

_V4 = re.compile(r"(?<![\w.])(?<!\w[-])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d|-\w)", re.ASCII)
_V6 = re.compile(r"(?<![\w.:])[0-9a-fA-F:]{1,35}:(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]{1,4})(?![\w:]|\.\w)", re.ASCII)
_VERSION = re.compile(
    r"(?i:\b(?:versions?|release|build|firmware|v|ver|sections?|sec|chapter|rfc)(?:__)?\.?[ :=\"'`]{0,4})\Z"
)
_MAC = re.compile(
    r"(?<![\w:.-])(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])"
    r"|(?<![\w:.-])[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![\w:.-])",
    re.ASCII,
)


def ip_addresses(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_V4, _V6):
        for found in pattern.finditer(text):
            if _is_address(found[0]) and not _VERSION.search(text, max(0, found.start() - 20), found.start()):
                yield found.span()


def mac_addresses(text: str) -> Iterator[tuple[int, int]]:
    return (found.span() for found in _MAC.finditer(text) if not found[0].replace(".", "").isdecimal())


def _is_address(text: str) -> bool:
    if ":" in text and (len(text.replace(":", "")) < 4 or not any(map(str.isdecimal, text))):
        return False  # a slice in Python, a name in C++
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
