"""A replica that does nothing but lead, as a process to be killed: `python -m tests.lead_process`, settings in JSON on
stdin. While it leads it writes rows of the audit, which is a journal whose numbers have the order of commits."""

import asyncio
import json
import random
import sys
from datetime import timedelta

from core.audit.model import AuditEntry
from core.clock import SystemClock
from core.errors import PrimeError
from core.lead.service import Leadership
from db.engine import create_engine
from db.secrets import SecretKeys
from db.storage import PostgresStorage

ACTION = "test.lead"
WRITERS = 2
"""Transactions that are open at the same time."""
OPEN_SECONDS = 0.1
"""How long one stays open, so that a freeze often comes in the middle of one."""
PAUSE_SECONDS = 0.3


async def main(given: dict[str, str]) -> None:
    clock = SystemClock()
    storage = PostgresStorage(create_engine(given["database_url"]), SecretKeys.parse(given["secret_key"]))
    holder = given["holder"]
    lead = Leadership(storage, clock, holder=holder, lease=timedelta(seconds=float(given["lease_seconds"])))

    async def write() -> None:
        while True:
            await asyncio.sleep(PAUSE_SECONDS * random.random() + 0.05)
            epoch = lead.epoch
            if epoch is None:
                continue
            try:  # nothing is awaited from there to where the transaction reads the epoch too
                async with lead.transaction() as stores:
                    await asyncio.sleep(OPEN_SECONDS * random.random())
                    entry = AuditEntry(
                        at=clock.now(), actor=holder, action=ACTION, target="lead", detail={"epoch": epoch}
                    )
                    await stores.audit.append(entry)
                    await asyncio.sleep(OPEN_SECONDS * random.random())
            except PrimeError as error:
                print(type(error).__name__, flush=True)  # noqa: T201 for whoever looks into a failure

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(lead.run())
        for _ in range(WRITERS):
            tasks.create_task(write())


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
