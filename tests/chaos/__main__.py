"""`make chaos`, or `python -m tests.chaos [SEED [KILLS]]`: one run, its plan made by the seed."""

import asyncio
import secrets
import sys

from tests.chaos.run import run

KILLS = 25


def main() -> int:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else secrets.randbelow(10**6)
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else KILLS
    print(f"seed {seed}, {kills} kills", flush=True)  # noqa: T201 a command line
    report = asyncio.run(run(seed, kills=kills))
    print(report)  # noqa: T201
    return bool(report.faults)


if __name__ == "__main__":
    sys.exit(main())
