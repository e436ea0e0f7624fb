"""What the README says of the code is what the code says."""

import re
from pathlib import Path

from tests.docs import README, with_tables

ROOT = Path(__file__).parents[2]


def test_the_tables_are_as_the_code_has_them() -> None:
    text = README.read_text()
    assert with_tables(text) == text, "run: .venv/bin/python -m tests.docs"


def test_every_file_that_it_points_to_is_there() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README.read_text())
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_make_target_that_it_names_exists() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", README.read_text(), re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text()
    assert {"demo", "test", "setup", "run"} <= named
    assert [name for name in named if f"\n{name}:" not in makefile] == []
