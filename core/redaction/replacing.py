"""Putting placeholders in, by presidio-anonymizer. Which stands where is settled before."""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def _without_analyzer() -> Generator[None]:
    """presidio-anonymizer loads the analyzer, and so spaCy, for an operator that Prime does not use: 200 MB and three
    seconds, which only the detectors' processes should have."""
    name = "presidio_analyzer"
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # pyright: ignore[reportArgumentType]: documented to make an import fail
    try:
        yield
    finally:
        del sys.modules[name]


with _without_analyzer():
    from presidio_anonymizer import AnonymizerEngine, OperatorConfig, RecognizerResult
    from presidio_anonymizer.operators import Operator, OperatorType

_NAME = "prime_placeholder"


class _Placeholder(Operator):
    """Writes the placeholder that was settled for a place: entity types are numbers of places."""

    def operate(self, text: str, params: dict[str, Any] | None = None) -> str:  # noqa: ARG002 the interface
        assert params is not None
        return params["placeholders"][int(params["entity_type"])]

    def validate(self, params: dict[str, Any] | None = None) -> None: ...

    def operator_name(self) -> str:
        return _NAME

    def operator_type(self) -> OperatorType:
        return OperatorType.Anonymize


_engine = AnonymizerEngine()
_engine.add_anonymizer(_Placeholder)


def replaced(text: str, places: Sequence[tuple[int, int, str]]) -> str:
    """`places`: from, to, and what stands there instead; none touching another."""
    if not places:
        return text
    found = [
        RecognizerResult(entity_type=str(number), start=start, end=end, score=1.0)
        for number, (start, end, _) in enumerate(places)
    ]
    operators = {"DEFAULT": OperatorConfig(_NAME, {"placeholders": [one for _, _, one in places]})}
    return _engine.anonymize(
        text,
        found,
        operators,
        merge_entities_with_spaces=False,
    ).text
