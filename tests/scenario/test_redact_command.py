"""`prime redact`: what a team sees of its own texts before it trusts Prime. It needs neither Slack nor a database."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.prime import ROOT

KEY = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"


async def redact(
    folder: Path, *words: str, given: str | bytes = "", settings: Mapping[str, str] | None = None
) -> tuple[int | None, str, str]:
    """The exit status, what is printed, and what is complained of."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "redact", *words),
        cwd=folder,
        env={**environment, "PRIME_REDACTION_ENGINE": "rules", **(settings or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    typed = given.encode() if isinstance(given, str) else given
    printed, complained = await asyncio.wait_for(command.communicate(typed), timeout=60)
    return command.returncode, printed.decode(), complained.decode()


async def test_shows_what_would_be_found_and_sent(tmp_path: Path) -> None:
    text = "Did Margaret Thornton mail bob@example.com from 10.1.2.3?"
    (tmp_path / "prompt.txt").write_text(text, encoding="utf-8")
    status, printed, complained = await redact(tmp_path, "prompt.txt", settings={"PRIME_REDACTION_ENGINE": "spacy"})
    assert (status, complained) == (0, "")
    assert printed.splitlines() == [
        "Name: Margaret Thornton -> redact (score 0.85)",
        "Email: bob@example.com -> redact (score 1.00)",
        "IP address: 10.1.2.3 -> passthrough (score 0.90)",
        "3 found; risk 50 of 100",
        "",
        "Did [PERSON_1] mail [EMAIL_1] from 10.1.2.3?",
    ]


async def test_says_what_would_not_be_sent_at_all(tmp_path: Path) -> None:
    status, printed, _ = await redact(tmp_path, given=f"the key is {KEY} of bob@example.com")
    assert status == 0
    assert "Nothing would be sent, because of: password or key." in printed
    assert printed.endswith("the key is [SECRET_1] of [EMAIL_1]\n")


async def test_answers_each_line_of_json_with_one(tmp_path: Path) -> None:
    lines = ['{"text": "to bob@example.com \\ud83d"}', "", '{"text": "Grüße", "id": 7}']
    status, printed, _ = await redact(tmp_path, "-", "--jsonl", given="\n".join(lines))
    assert status == 0
    assert [json.loads(line) for line in printed.splitlines()] == [
        {
            "findings": [{"start": 3, "end": 18, "type": "EMAIL", "score": 1.0}],
            "redacted": "to [EMAIL_1] \ud83d",
        },
        {"findings": [], "redacted": "Grüße"},
    ]


@pytest.mark.parametrize(
    ("words", "given", "settings", "sentence"),
    [
        (["--jsonl"], '{"text": "a"}\nfree text', {}, "Line 2 is not an object with a text"),
        (["--jsonl"], '{"text": 5}', {}, "Line 1 is not an object with a text"),
        ([], b"caf\xe9", {}, "no text in UTF-8"),
        ([], "a" * 500_001, {}, "500,001 characters"),
        ([], "a", {"PRIME_REDACTION_ENGINE": "spacy", "PRIME_REDACTION_MODEL": "nope"}, "PRIME_REDACTION_MODEL"),
        ([], "a", {"PRIME_REDACTION_ENGINE": "best"}, "PRIME_REDACTION_ENGINE must be spacy, rules or nltk"),
        ([], "a", {"PRIME_REDACTION_ENGINE": "nltk"}, "PRIME_REDACTION_ENGINE is nltk"),
    ],
)
async def test_what_cannot_be_done_is_told_in_one_sentence(
    tmp_path: Path, words: list[str], given: str | bytes, settings: dict[str, str], sentence: str
) -> None:
    status, _, complained = await redact(tmp_path, *words, given=given, settings=settings)
    assert status == 1
    assert sentence in complained
    assert "Traceback" not in complained
