"""Reading people and groups from Slack again, in case an event was lost."""

import structlog

from core.access.service import Access
from core.errors import UnavailableError
from core.mappings.service import Mappings
from core.people.service import People

_log = structlog.get_logger(__name__)


async def follow_slack(people: People, access: Access, mappings: Mappings) -> None:
    """What cannot be read stays as it is known until the next time. Whom the configuration names is looked at here too,
    since only Slack knows whether they count. Safe to run twice."""
    try:
        known = await people.sync()
        await access.take_configuration()
        differed = await mappings.sync()
    except UnavailableError:
        _log.warning("slack_not_followed")
    else:
        _log.info("slack_followed", people=known, groups_changed=differed)
