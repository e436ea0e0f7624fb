"""The inbox's numbers."""

from datetime import timedelta

LEASE = timedelta(seconds=15)
"""How long a claim lasts without being prolonged: what a killed replica held is taken over after this."""

WAITING_LIMIT = timedelta(hours=24)
"""A delivery older than this is worth nothing to its author any more."""

KEEP_FINISHED = timedelta(days=7)
"""Ended rows keep duplicates out; Slack's delayed retries end after 24 hours."""

MAX_ATTEMPTS = 3
"""A delivery whose worker died this often is given up, since it may be what kills them."""
