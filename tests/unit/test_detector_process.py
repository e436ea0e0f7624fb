"""What a detector's process says."""

import io
from collections.abc import Sequence

from core.redaction.detector_process import frame, megabytes, read_frame, serve
from core.redaction.rules_detector import RulesReader


def said(asked: Sequence[Sequence[str]], *, most_jobs: int = 100, most_megabytes: float = 10_000) -> list[object]:
    """What is said first, and the answers."""
    frames = (frame({"asked": number, "texts": texts}) for number, texts in enumerate(asked))
    source, sink = io.BytesIO(b"".join(frames)), io.BytesIO()
    serve(RulesReader(), source, sink, most_jobs=most_jobs, most_megabytes=most_megabytes)
    sink.seek(0)
    return list(iter(lambda: read_frame(sink), None))


def test_answers_what_it_is_asked_until_nothing_comes_any_more() -> None:
    assert said([["to ada@acme.example", "nothing"], []]) == [
        {"ready": True},
        {"asked": 0, "found": [[[3, 19, "EMAIL", 1.0]], []], "last": False},
        {"asked": 1, "found": [], "last": False},
    ]


def test_ends_after_so_many_texts_and_signs_of_life_do_not_count() -> None:
    assert said([["a"], [], [], ["b"], ["c"]], most_jobs=2)[-1] == {"asked": 3, "found": [[]], "last": True}


def test_ends_when_it_has_grown_too_large() -> None:
    assert 5 < megabytes() < 5_000
    assert said([["a"], ["b"]], most_megabytes=5)[1:] == [{"asked": 0, "found": [[]], "last": True}]
