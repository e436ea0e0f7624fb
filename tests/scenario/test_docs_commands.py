"""Every command in the README and in docs/operating.md is carried out, here or where it is said."""

import re
from pathlib import Path

from lab.slack.server import SlackLab
from tests.commands import carry_out, commands
from tests.docs import OPERATING, README
from tests.prime import KEY, environment

ELSEWHERE = {
    "prime demo": "test_demo.py",
    "prime postgres": "test_backup.py",
    "make": "unit/test_docs.py",  # looks for the target, which is CI's or test_demo.py's
    "docker": "a Docker engine; test_image.py does without",
    "kubectl": "a cluster; unit/test_deployment.py checks what it would be given",
}
"""By how they begin."""

STAND_INS = {"USER_ID": "U0OLIVIA", "FILE": "text.txt"}


def shown(page: Path) -> list[str]:
    """The commands of a page, in blocks and within sentences."""
    lines = [line for block in commands(page).values() for line in block.splitlines()]
    inline = re.findall(r"`((?:\.venv/bin/)?prime [^`]+)`", page.read_text())
    plain = [line.partition("  #")[0].strip().removeprefix(".venv/bin/") for line in [*lines, *inline]]
    return [line for line in dict.fromkeys(plain) if line and not re.match(r"[A-Z_]+=", line)]


async def test_every_command_ends_well(
    lab: SlackLab, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    here = [line for line in shown(README) + shown(OPERATING) if not line.startswith(tuple(ELSEWHERE))]
    assert {"prime doctor", "prime migrate --logs", "prime admin grant USER_ID ADMIN"} <= set(here)
    (tmp_path / "text.txt").write_text("Write to ada@example.com")
    env = environment(
        lab, tmp_path, DATABASE_URL=database_url, LOG_DATABASE_URL=empty_database_url, PRIME_SECRET_KEY=KEY
    )
    # What prepares a database comes before what looks at it.
    ordered = sorted(dict.fromkeys(here), key=lambda line: "migrate" not in line)
    script = "\n".join(ordered)
    for word, value in STAND_INS.items():
        script = script.replace(word, value)
    told = await carry_out(f"set -x\n{script}", env=env, cwd=tmp_path)
    assert "[EMAIL_1]" in told
    assert "FAIL" not in told
