"""What a key looks like."""

import re

from core.errors import InvalidInputError

_KEY = re.compile(r"[!-~]{8,500}")


def check_key(secret: str) -> str:
    """The key without white space around it. Raises InvalidInputError (field `secret`) for what can be none."""
    secret = secret.strip()
    if not _KEY.fullmatch(secret):
        raise InvalidInputError("This is not a key: it should be one word of 8 to 500 characters.", field="secret")
    return secret
