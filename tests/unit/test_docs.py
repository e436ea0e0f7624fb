"""What the docs say of the code is what the code says."""

import re
from pathlib import Path

import pytest

from bot.settings import Settings
from tests.docs import ENV_EXAMPLE, OPERATING, README, TABLES, env_example, with_tables

ROOT = Path(__file__).parents[2]
STALE = "run: .venv/bin/python -m tests.docs"


@pytest.mark.parametrize("page", [README, OPERATING], ids=lambda page: page.name)
def test_the_tables_are_as_the_code_has_them(page: Path) -> None:
    text = page.read_text()
    assert with_tables(text) == text, STALE


@pytest.mark.parametrize("name", TABLES)
def test_each_table_has_its_place(name: str) -> None:
    assert (README.read_text() + OPERATING.read_text()).count(f"<!-- {name} -->") == 1


def test_the_example_of_an_env_file_is_as_the_code_has_it() -> None:
    assert ENV_EXAMPLE.read_text() == env_example(), STALE


def test_what_it_shows_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    shown = tmp_path / ".env"
    shown.write_text(re.sub(r"(?m)^#([A-Z])", r"\1", env_example()))
    assert Settings(_env_file=shown) == Settings(_env_file=None)  # pyright: ignore[reportCallIssue]: pydantic-settings' own


@pytest.mark.parametrize("page", [README, OPERATING], ids=lambda page: page.name)
def test_every_file_that_it_points_to_is_there(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert targets
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_make_target_that_it_names_exists() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", README.read_text(), re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text()
    assert {"demo", "test", "setup", "run"} <= named
    assert [name for name in named if f"\n{name}:" not in makefile] == []
