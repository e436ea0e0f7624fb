"""The front door: `make` alone explains itself."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_make_alone_lists_every_public_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None

    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert {line.split()[0] for line in shown.splitlines()} == set(phony[1].split())
