"""The commands in the docs: blocks of `sh`, each under the name in the comment above it, if it has one."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

_BLOCK = re.compile(r"(?:<!-- ([a-z ]+) -->\n)?```sh\n(.*?)```", re.DOTALL)


def commands(page: Path) -> Mapping[str, str]:
    """By their names; those without one by their first line."""
    found = _BLOCK.findall(re.sub(r"(?m)^ {3}", "", page.read_text()))
    return {name or block.splitlines()[0]: block for name, block in found}


async def carry_out(block: str, *, env: Mapping[str, str], cwd: Path) -> str:
    """What a shell says to these lines, with this `prime` among its programs; it ends at the first that fails."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", block),
        env={**env, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    return told.decode()
