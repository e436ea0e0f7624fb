"""The tables in the README that come from the code: `python -m tests.docs` writes them, a test compares."""

import re
from collections.abc import Callable
from pathlib import Path

from bot.settings import Settings
from core.access.model import Role
from core.access.permissions import LEAST_ROLE

README = Path(__file__).parents[1] / "README.md"


def permissions_table() -> str:
    lines = ["| role | may, beside what the roles above it may |", "| --- | --- |"]
    for role in Role:
        own = [str(permission) for permission, least in LEAST_ROLE.items() if least is role]
        lines.append(f"| `{role}` | {'; '.join(own)} |")
    return "\n".join(lines)


def settings_table() -> str:
    lines = ["| variable | meaning | default |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, ()) else f"`{field.default}`"
        lines.append(f"| `{name.upper()}` | {field.description} | {default} |")
    return "\n".join(lines)


TABLES: dict[str, Callable[[], str]] = {"permissions": permissions_table, "settings": settings_table}


def with_tables(text: str) -> str:
    """The text with each table between its marks."""
    for name, table in TABLES.items():
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        assert marked.search(text), f"the README has no marks for {name}"
        text = marked.sub(lambda match, table=table: f"{match[1]}{table()}\n{match[2]}", text)
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text()))
