"""Server-sent events and metrics, from bytes however they are cut."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.servers.errors import EngineUnreachableError
from providers.engines.metrics import sum_samples
from providers.engines.stream import MAX_LINE_BYTES, split_events
from tests.profiles import cases

line = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=20)


@settings(**cases(short=150, long=5000))
@given(
    texts=st.lists(line, max_size=8),
    spelling=st.sampled_from(["data:", "data: "]),
    end=st.sampled_from(["\n\n", "\r\n\r\n", "\n\n:\n\n", "\n\nevent: x\nid: 1\n"]),
    cuts=st.lists(st.integers(0, 400), max_size=20),
)
async def test_events_are_the_same_for_any_cuts(texts: list[str], spelling: str, end: str, cuts: list[int]) -> None:
    texts = [f"{{{text}}}" for text in texts]
    sent = "".join(f"{spelling}{text}{end}" for text in texts).encode()
    assert await events(sent, cuts) == [text.encode() for text in texts]


async def test_characters_that_end_lines_elsewhere_end_none_here() -> None:
    text = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg"
    assert await events(f"data: {text}\n\n".encode(), []) == [text.encode()]


async def test_a_line_without_end_is_read_up_to_a_cap() -> None:
    with pytest.raises(EngineUnreachableError):
        await events(b"data: " + b"x" * (MAX_LINE_BYTES + 1), [])


def test_metrics_are_summed_over_labels_and_garbage_is_passed_over() -> None:
    text = (
        "# HELP a x\n# TYPE a counter\n"
        'a{b="1",c="}"} 2\na{b="2"} 3.5 1700000000\nd 1e3\ne NaN\nf +Inf\n\ng\n{} 1\nh{x="y" 1\ni one\nvllm:j{} 7\n'
    )
    assert sum_samples(text) == {"a": 5.5, "d": 1000, "vllm:j": 7}


@settings(**cases(short=100, long=5000))
@given(st.text(max_size=200))
def test_metrics_may_be_anything(text: str) -> None:
    sum_samples(text)


async def events(sent: bytes, cuts: list[int]) -> list[bytes]:
    async def chunks() -> AsyncIterator[bytes]:
        start = 0
        for cut in [*sorted(cuts), len(sent)]:
            yield sent[start:cut]
            start = max(start, cut)

    return [event async for batch in split_events(chunks()) for event in batch]
