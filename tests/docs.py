"""What the docs hold that comes from the code: `python -m tests.docs` writes it, a test compares."""

import re
from collections.abc import Callable
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from bot import metrics
from bot.settings import Settings
from core.access.model import Role
from core.access.permissions import LEAST_ROLE

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
OPERATING = ROOT / "docs" / "operating.md"
ENV_EXAMPLE = ROOT / ".env.example"

_ENV_HEAD = "# Copy this to .env and fill in what you need: the tokens and PRIME_ADMINS at first (README.md, Install)."


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


def metrics_table() -> str:
    lines = ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |"]
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            [family] = metric.describe()
            name = family.name + ("_total" if family.type == "counter" else "")
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)
            lines.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |")
    return "\n".join(lines)


def env_example() -> str:
    """Every variable, commented out, with its default."""
    lines = [_ENV_HEAD]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, ()) else field.default
        lines += ["", f"# {field.description}", f"#{name.upper()}={default}"]
    return "\n".join(lines) + "\n"


TABLES: dict[str, Callable[[], str]] = {
    "permissions": permissions_table,
    "settings": settings_table,
    "metrics": metrics_table,
}
"""By the name in the marks that a table stands between."""


def with_tables(text: str) -> str:
    """The text with each table between its marks."""
    return re.sub(
        r"(?s)(<!-- (\w+) -->\n).*?(<!-- /\2 -->)", lambda match: f"{match[1]}{TABLES[match[2]]()}\n{match[3]}", text
    )


if __name__ == "__main__":
    for page in (README, OPERATING):
        page.write_text(with_tables(page.read_text()))
    ENV_EXAMPLE.write_text(env_example())
