"""A process that looks for personal data, and nothing else: texts in, findings out, over its standard streams.

A frame is its length, 4 bytes big endian, and so much JSON. It says `{"ready": true}` once it has loaded, or
`{"problem": sentence}` and ends. Then for each `{"asked": number, "texts": [...]}` it answers `{"asked": number,
"found": [[[start, end, type, score], ...], ...], "last": whether it ends now}`. It ends when its input does, so that
none outlives Prime."""

import json
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from core.errors import PrimeError
from core.redaction.model import Finding

NICE = 5
"""Below Prime itself, which has to answer Slack in time."""
MOST_JOBS = 10_000
"""Then another takes its place: whatever a library keeps goes with it,"""
MOST_MEGABYTES = 700
"""and as well when it has grown beyond this."""
_STATM = Path("/proc/self/statm")


class Reader(Protocol):
    def find(self, texts: Sequence[str]) -> Sequence[Sequence[Finding]]: ...


def serve(
    reader: Reader,
    source: BinaryIO,
    sink: BinaryIO,
    *,
    most_jobs: int = MOST_JOBS,
    most_megabytes: float = MOST_MEGABYTES,
) -> None:
    write_frame(sink, {"ready": True})
    jobs = 0
    while (told := read_frame(source)) is not None:
        found = [
            [[one.start, one.end, one.type.value, one.score] for one in findings]
            for findings in reader.find(told["texts"])
        ]
        jobs += bool(told["texts"])  # else it is a sign of life that was asked for
        is_last = jobs >= most_jobs or megabytes() > most_megabytes
        write_frame(sink, {"asked": told["asked"], "found": found, "last": is_last})
        if is_last:
            return


def megabytes() -> float:
    """Of memory that this process holds; 0 where only Linux could tell."""
    if not _STATM.exists():
        return 0.0
    pages = int(_STATM.read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def read_frame(source: BinaryIO) -> dict[str, Any] | None:
    head = source.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    body = source.read(length)
    return None if len(body) < length else json.loads(body)


def write_frame(sink: BinaryIO, told: dict[str, Any]) -> None:
    sink.write(frame(told))
    sink.flush()


def frame(told: dict[str, Any]) -> bytes:
    body = json.dumps(told).encode()
    return struct.pack(">I", len(body)) + body


def main(engine: str, model: str) -> None:
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is not to be taken for an answer
    os.nice(NICE)
    try:
        reader = open_reader(engine, model)
    except PrimeError as error:
        write_frame(sink, {"problem": str(error)})
        return
    serve(reader, sys.stdin.buffer, sink)


def open_reader(engine: str, model: str) -> Reader:
    """Raises ConfigurationError."""
    if engine == "nltk":
        from core.redaction.nltk_reader import NltkReader  # noqa: PLC0415 what is not used is not loaded

        return NltkReader()
    if engine == "rules":
        from core.redaction.rules_detector import RulesReader  # noqa: PLC0415

        return RulesReader()
    from core.redaction.ner import NerReader  # noqa: PLC0415

    return NerReader(model)


if __name__ == "__main__":
    main(*sys.argv[1:3])
