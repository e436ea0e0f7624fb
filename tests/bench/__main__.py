"""`make bench`: runs every module of this folder that has a `run`, one after the other, and prints one table."""

import asyncio
import sys
from importlib import import_module
from pathlib import Path

from tests.bench.row import Row


def main() -> None:
    names = sys.argv[1:] or sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    lines = [("what", "figure", "goal or peer", "ratio")]
    for name in names:
        run = None if name == "__main__" else getattr(import_module(f"tests.bench.{name}"), "run", None)
        if run is not None:
            lines += [_line(row) for row in asyncio.run(run())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())  # noqa: T201 a command line


def _line(row: Row) -> tuple[str, str, str, str]:
    beside = f"{row.beside_name} {row.beside:,.4g} {row.unit}"
    return row.what, f"{row.figure:,.4g} {row.unit}", beside, f"{row.figure / row.beside:.2f}"


if __name__ == "__main__":
    main()
