import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import TextIO

import click

from bot.settings import Settings
from core.errors import InvalidInputError
from core.redaction.detector_process import Reader, open_reader
from core.redaction.lexicon import Lexicon
from core.redaction.model import LABELS, Finding
from core.redaction.policy import default_policy
from core.redaction.ports import Detector, Rules
from core.redaction.redactor import LONGEST, Redactor
from core.redaction.service import Trial, try_text


@click.command
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
@click.option("--jsonl", is_flag=True, help='Read lines of {"text": ...} and write one JSON object for each.')
def redact(file: TextIO, *, jsonl: bool) -> None:
    """Show what would be found in a text, and what would be sent to a model. Nothing leaves this machine.

    By the default policy, and without what only a workspace knows: its people and its team's lists."""
    settings = Settings.load()
    detector = _Here(open_reader(settings.prime_redaction_engine, settings.prime_redaction_model))
    try:
        if jsonl:
            asyncio.run(_redact_lines(_texts(file), detector))
        else:
            _show(asyncio.run(_try(file.read(), detector)))
    except UnicodeDecodeError:
        raise InvalidInputError("This is no text in UTF-8.") from None


class _Here(Detector):
    """In this process, which may wait for it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def is_ready(self) -> bool:
        return True

    async def watch(self) -> None:
        await asyncio.Event().wait()

    async def find(self, texts: Sequence[str]) -> Sequence[Sequence[Finding]]:
        return self._reader.find(texts)


async def _try(text: str, detector: Detector) -> Trial:
    if len(text) > LONGEST:
        raise InvalidInputError(f"A text has {len(text):,} characters; Prime looks through {LONGEST:,} at most.")
    return await try_text(Redactor(detector), text, Rules(policy=default_policy(), lexicon=Lexicon()))


def _show(trial: Trial) -> None:
    for (kind, value, disposition), finding in zip(trial.found, trial.findings, strict=True):
        print(f"{LABELS[kind]}: {' '.join(value.split())} -> {disposition} (score {finding.score:.2f})")
    print(f"{len(trial.found)} found; risk {trial.risk} of 100")
    if trial.blocked:
        print(f"Nothing would be sent, because of: {', '.join(LABELS[kind].lower() for kind in trial.blocked)}.")
    print(f"\n{trial.text}")


async def _redact_lines(texts: Iterator[str], detector: Detector) -> None:
    for text in texts:
        trial = await _try(text, detector)
        findings = [
            {"start": one.start, "end": one.end, "type": one.type, "score": one.score} for one in trial.findings
        ]
        print(json.dumps({"findings": findings, "redacted": trial.text}))


def _texts(file: TextIO) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
        except ValueError:
            told = None
        text = told.get("text") if isinstance(told, dict) else None
        if not isinstance(text, str):
            raise InvalidInputError(f'Line {number} is not an object with a text, such as {{"text": "Hello"}}.')
        yield text
