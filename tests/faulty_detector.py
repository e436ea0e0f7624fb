"""A detector's process that does what its texts say: it stands for whatever a library may do. An argument says how many
texts it looks through."""

import os
import sys
import time
from collections.abc import Sequence

from core.redaction.detector_process import MOST_JOBS, serve, write_frame
from core.redaction.model import EntityType, Finding
from core.redaction.rules_detector import find_by_rules


class FaultyReader:
    def find(self, texts: Sequence[str]) -> Sequence[Sequence[Finding]]:
        for text in texts:
            if "please die" in text:
                os._exit(3)
            if "please hang" in text:
                time.sleep(60)
            if "please raise" in text:
                raise RuntimeError(text)
            if "please babble" in text:
                os.write(sink.fileno(), b"\0\0\0\x04what")
            if "please flood" in text:
                os.write(sink.fileno(), b"\xff\xff\xff\xff")
            if "please interject" in text:
                write_frame(sink, {"found": [[]]})
            if "please nest" in text:
                os.write(sink.fileno(), (200_000).to_bytes(4, "big") + b"[" * 200_000)
            if "please miss" in text:
                return [[Finding(start=0, end=len(text) + 1, type=EntityType.EMAIL, score=1)]]
            if "please lose" in text:
                return []
            if "please tell" in text:
                told = any(name.startswith(("SLACK", "PRIME", "DATABASE", "HF")) for name in os.environ)
                return [[Finding(start=0, end=1 + told, type=EntityType.EMAIL, score=1)]]
        return find_by_rules(texts)


sink = os.fdopen(os.dup(1), "wb")
serve(FaultyReader(), sys.stdin.buffer, sink, most_jobs=int(sys.argv[1]) if sys.argv[1:] else MOST_JOBS)
