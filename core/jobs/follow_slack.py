"""Reading people and groups from Slack again, in case an event was lost."""

import structlog

from core.errors import UnavailableError
from core.mappings.service import Mappings
from core.people.service import People

_log = structlog.get_logger(__name__)


async def follow_slack(people: People, mappings: Mappings) -> None:
    """What cannot be read stays as it is known until the next time. Safe to run twice."""
    try:
        known = await people.sync()
        differed = await mappings.sync()
    except UnavailableError:
        _log.warning("slack_not_followed")
    else:
        _log.info("slack_followed", people=known, groups_changed=differed)
