"""From the rows that fluent-bit writes (reference/tgi-api.md 5.5 and 12) to lines for people."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.logs.model import Level, LogLine, LogRow
from core.logs.rules import LONGEST, NOT_SAID, clean, read
from tests.profiles import cases

AT = datetime(2026, 11, 22, 13, 0, 1, tzinfo=UTC)
LAUNCHER = {
    "timestamp": "2024-02-21T05:09:52.421039Z",
    "level": "INFO",
    "fields": {"message": "Starting shard"},
    "target": "text_generation_launcher",
    "span": {"rank": 0, "name": "shard-manager"},
    "spans": [{"rank": 0, "name": "shard-manager"}],
    "date": 1795352401.000111,
}
ROUTER = {
    "timestamp": "2024-02-21T05:09:58.311499Z",
    "level": "WARN",
    "message": "Warming up model",
    "target": "text_generation_router",
    "filename": "router/src/main.rs",
    "line_number": 213,
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
ROWS = st.fixed_dictionaries({}, optional={"level": JSON, "message": JSON, "log": JSON, "fields": JSON})


@pytest.mark.parametrize(
    ("data", "level", "text"),
    [
        (LAUNCHER, Level.INFO, "Starting shard"),
        (ROUTER, Level.WARN, "Warming up model"),
        ({"log": json.dumps(ROUTER), "container_id": "ab", "source": "stdout"}, Level.WARN, "Warming up model"),
        ({"log": "INFO 11-22 13:00:01 [a.py:18] vLLM API"}, Level.INFO, "11-22 13:00:01 [a.py:18] vLLM API"),
        ({"log": "(EngineCore_0 pid=12) ERROR 11-22 [core.py:7] dead"}, Level.ERROR, "11-22 [core.py:7] dead"),
        ({"log": "\x1b[2m2026-11-22T13:00:01.5Z\x1b[0m \x1b[32m WARN\x1b[0m \x1b[2mx\x1b[0m: y"}, Level.WARN, "x: y"),
        ({"log": "Traceback (most recent call last):"}, Level.ERROR, "Traceback (most recent call last):"),
        ({"log": "torch.OutOfMemoryError: CUDA"}, Level.ERROR, "torch.OutOfMemoryError: CUDA"),
        ({"log": "thread 'main' panicked at src/main.rs"}, Level.ERROR, "thread 'main' panicked at src/main.rs"),
        ({"log": "a plain line\n", "stream": "stderr"}, Level.INFO, "a plain line"),
        ({"fields": {"message": "Shard:\nTrace\n  x\n"}, "level": "ERROR"}, Level.ERROR, "Shard:\nTrace\n  x"),
        ({"log": " 10%|#   |\r 50%|##  |\r100%|####|\n"}, Level.INFO, "100%|####|"),
        ({"log": "ended as on Windows\r\r\n"}, Level.INFO, "ended as on Windows"),
        ({"log": "{not json"}, Level.INFO, "{not json"),
        ({}, Level.INFO, ""),
    ],
)  # fmt: skip
def test_reads_what_engines_write(data: dict[str, Any], level: Level, text: str) -> None:
    assert read(LogRow(at=AT, data=data)) == LogLine(at=AT, level=level, text=text)


@pytest.mark.parametrize(
    "line",
    [
        'Args { model_id: "x", api_key: Some("abc"), hf_token: None }',
        "args: Namespace(model='x', api_key=None)",
        "non-default args: {'api_key': ['abc']}",
        "Authorization: Bearer abc",
        "HF_TOKEN=hf_abcdefghijkl",
        "postgresql://u:p@h/d",
        "Received request chatcmpl-1: prompt: 'what a person wrote'",
    ],
)
def test_does_not_show_a_line_that_may_hold_a_key(line: str) -> None:
    assert read(LogRow(at=AT, data={"message": line, "level": "INFO"})).text == NOT_SAID


def test_leaves_out_what_looks_like_a_key_and_nothing_that_does_not() -> None:
    key = "aZ3" * 15
    commit = "0123456789abcdef0123456789abcdef01234567"
    text = (
        f"took {key} of /data/hub/models--Qwen--Qwen2.5-7B-Instruct/snapshots/{commit}/model-00001-of-00002.safetensors"
    )
    assert read(LogRow(at=AT, data={"log": text})).text == text.replace(key, "[left out]")


@settings(**cases(short=100, long=1000))
@given(ROWS)
def test_reads_any_row_into_a_short_text_without_control_characters(data: dict[str, Any]) -> None:
    line = read(LogRow(at=AT, data=data))
    assert len(line.text) <= LONGEST
    assert all(character == "\n" or character.isprintable() for character in line.text)


@settings(**cases(short=100, long=1000))
@given(st.text())
def test_a_line_that_was_cleaned_is_clean(text: str) -> None:
    assert clean(clean(text)) == clean(text)
