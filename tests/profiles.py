"""How long the property tests run: a short, seeded form by default, the long form in `make long`."""

import os
from typing import Any

LONG = os.environ.get("PRIME_TEST_PROFILE") == "long"


def cases(*, short: int, long: int) -> dict[str, Any]:
    """Settings for `hypothesis.settings`: `short` seeded examples, or `long` random ones."""
    return {"max_examples": long if LONG else short, "derandomize": not LONG, "deadline": None}
