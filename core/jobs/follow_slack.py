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
    counts: dict[str, int] = {}
    for what, follow in (("people", people.sync), ("configured", access.take_configuration), ("groups", mappings.sync)):
        try:
            counts[what] = await follow() or 0
        except UnavailableError:
            _log.warning("slack_not_followed", what=what)
    _log.info("slack_followed", **counts)
