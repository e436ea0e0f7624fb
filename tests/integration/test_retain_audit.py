from datetime import timedelta

from core.audit.model import AuditEntry
from core.audit.service import verify
from core.jobs.retain_audit import AUDIT_KEPT, retain_audit
from db.secrets import SecretKeys
from db.storage import PostgresStorage
from tests.clock import ManualClock


async def test_what_is_older_than_two_years_goes_and_the_rest_still_verifies(
    storage: PostgresStorage, secret_keys: SecretKeys, clock: ManualClock
) -> None:
    for age in (AUDIT_KEPT + timedelta(days=1), AUDIT_KEPT, timedelta(0)):
        async with storage.transaction() as stores:
            entry = AuditEntry(at=clock.now() - age, actor="prime:test", action="test.row.add", target="setting:x")
            await stores.audit.append(entry)

    assert await retain_audit(storage, clock) == 1
    assert await retain_audit(storage, clock) == 0

    report = await verify(storage, secret_keys.audit)
    assert report.problems == ()
    assert report.rows == 2
