"""`make bench`: runs every module of this folder that has a `run`, one after the other, prints its table, and writes
all of them to docs/benchmarks.md. With names of modules, runs those and only prints."""

import os
import platform
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

from tests.bench.row import Row, rows_of

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
HEAD = ("what", "figure", "goal or peer", "ratio")
_ABOUT = """# Benchmarks

Written by `make bench`, which takes about a quarter of an hour. Each figure stands beside its goal, or beside what a
peer or a limit took in the same run; the ratio is the figure by that. Shared machines are noisy: compare ratios.

This run: {processors} processors, {system}, Python {python}.
"""


def main() -> None:
    given = sys.argv[1:]
    page = [_ABOUT.format(processors=os.cpu_count(), system=platform.platform(), python=platform.python_version())]
    # Each in a process of its own, so that none is measured with what another left in memory.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        for name in given or sorted(path.stem for path in Path(__file__).parent.glob("*.py")):
            if name == "__main__":
                continue
            module = import_module(f"tests.bench.{name}")
            if hasattr(module, "run"):
                lines = [_line(row) for row in processes.submit(rows_of, name).result()]
                _print(lines)
                page.append(_section(name, module, lines))
    if not given:
        PAGE.write_text("\n".join(page))


def _line(row: Row) -> tuple[str, str, str, str]:
    beside = f"{row.beside_name} {row.beside:,.4g} {row.unit}"
    ratio = f"{row.figure / row.beside:.2f}" if row.beside else ""
    return row.what, f"{row.figure:,.4g} {row.unit}", beside, ratio


def _print(lines: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(HEAD, *lines, strict=True)]
    for line in (HEAD, *lines):
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip(), flush=True)  # noqa: T201 a command line


def _section(name: str, module: ModuleType, lines: Sequence[tuple[str, ...]]) -> str:
    about = (module.__doc__ or "").strip()
    rows = [HEAD, ("---",) * len(HEAD), *lines]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"## {name.replace('_', ' ').capitalize()}\n\n{about}\n\n{table}\n"


if __name__ == "__main__":
    main()
