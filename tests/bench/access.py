"""What App Home, the list of users and the audit log take to gather, in a workspace of 10,000 people."""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg

from core.access.model import Principal, Role
from db.embedded import EmbeddedPostgres
from db.engine import create_engine
from db.migrate import upgrade
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from tests.access import TEAM, World, person
from tests.bench.row import Row
from tests.clock import ManualClock

PEOPLE = 10_000
AUDIT_ROWS = 1_000_000
TIMES = 200
GOAL_MS = 300.0

ADMIN, READER, NOBODY = person("00001"), person("00002"), person("09999")
CLOCK = ManualClock()

_FILL = """
INSERT INTO person (team, "user", standing, name, is_workspace_admin, is_workspace_owner, checked_at, home_opened_at)
SELECT '{team}', 'U' || lpad(n::text, 5, '0'), 'member', 'Person ' || n, n % 100 = 0, n % 1000 = 0, '{now}',
    CASE WHEN n % 2 = 0 THEN timestamptz '{now}' END
FROM generate_series(1, {people}) AS n;

INSERT INTO role_mapping (subject, role) VALUES ('group:S1', 'READ'), ('workspace:admins', 'READ_WRITE');
INSERT INTO group_member (subject, team, "user")
SELECT 'group:S1', team, "user" FROM person WHERE "user" < 'U05000';

-- Each a current grant, and five that are over.
INSERT INTO role_grant (team, "user", role, granted_by, reason, since, until, announced)
SELECT team, "user", CASE WHEN "user" = 'U00001' THEN 'ADMIN' ELSE 'READ' END, 'bench', '',
    timestamptz '{now}' - age * interval '30 days',
    CASE WHEN age > 0 THEN timestamptz '{now}' - (age - 1) * interval '30 days' END, false
FROM person, generate_series(0, 5) AS age WHERE "user" < 'U08000';

INSERT INTO access_request (team, "user", role, duration_seconds, reason, state, created_at, settled_at, denial_reason)
SELECT team, "user", 'ADMIN', 86400, 'to help', CASE WHEN "user" > 'U09800' THEN 'open' ELSE 'approved' END,
    timestamptz '{now}' - interval '1 day', CASE WHEN "user" > 'U09800' THEN NULL ELSE timestamptz '{now}' END, ''
FROM person;

"""

AUDIT_FILL = """
ALTER TABLE audit DISABLE TRIGGER USER;
INSERT INTO audit (seq, at, actor, action, target, detail, key_id, mac)
SELECT n, timestamptz '{now}', '{team}/U' || lpad((n % {people})::text, 5, '0'), 'access.grant.add',
    '{team}/U' || lpad((n * 7 % {people})::text, 5, '0'), '{{}}', '', ''
FROM generate_series({first}, {last}) AS n;
ALTER TABLE audit ENABLE TRIGGER USER;
"""


async def run() -> list[Row]:
    """On a Postgres of its own, as in earnest; the p95 of many, one after the other."""
    with tempfile.TemporaryDirectory(prefix="prime-bench-") as folder, EmbeddedPostgres.open(Path(folder)) as postgres:
        upgrade(postgres.url)
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            given = {"team": TEAM, "now": CLOCK.now().isoformat(), "people": PEOPLE, "first": 1, "last": AUDIT_ROWS}
            connection.execute((_FILL + AUDIT_FILL).format(**given).encode())
            connection.execute("ANALYZE")
        engine = create_engine(postgres.url)
        world = World(PostgresStorage(engine, SecretKeys([os.urandom(32)])), CLOCK)
        admin = Principal(person=ADMIN, role=Role.ADMIN)
        half = person("04000")
        rows = [
            await _row("App Home of an admin", lambda: world.home.open(ADMIN)),
            await _row("App Home of a reader", lambda: world.home.open(READER)),
            await _row("App Home of a newcomer", lambda: world.home.open(NOBODY)),
            await _row("whose App Home to write", lambda: world.home.shown_to([READER.user], team=TEAM, admins=True)),
            await _row("/prime users, first page", lambda: world.access.users(admin)),
            await _row("/prime users, page in the middle", lambda: world.access.users(admin, after=half)),
            await _row("/prime audit, one person", lambda: world.services.audit.read(admin, about=str(READER))),
        ]
        await engine.dispose()
    return rows


async def _row(what: str, act: Callable[[], Awaitable[object]]) -> Row:
    await act()
    took: list[float] = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await act()
        took.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(0)
    p95 = statistics.quantiles(took, n=20)[-1]
    return Row(what=f"{what}, p95", figure=p95, unit="ms", beside=GOAL_MS, beside_name="goal")
