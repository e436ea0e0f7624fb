"""What an interaction hands to the app for a short while: trigger ids and response URLs."""

import secrets
from dataclasses import dataclass

from lab.clock import LabClock
from lab.slack.channels import Channel
from lab.slack.errors import SlackError

TRIGGER_LIFE_SECONDS = 3.0
RESPONSE_URL_LIFE_SECONDS = 30 * 60
RESPONSE_URL_USES = 5


@dataclass(slots=True, kw_only=True)
class Trigger:
    user: str
    issued: float
    view_id: str | None
    """The view it was issued from; a view can be pushed only on such a one."""
    channel: str | None
    exchanged: bool = False


class Triggers:
    """Good for one use within three seconds."""

    def __init__(self, clock: LabClock) -> None:
        self._clock = clock
        self._issued: dict[str, Trigger] = {}

    def issue(self, user: str, *, view_id: str | None = None, channel: str | None = None) -> str:
        trigger_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._issued[trigger_id] = Trigger(user=user, issued=self._clock.time(), view_id=view_id, channel=channel)
        return trigger_id

    def require(self, trigger_id: str) -> Trigger:
        """The trigger, if it is still good. Whoever uses it sets `exchanged`."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.exchanged:
            raise SlackError("exchanged_trigger_id")
        if self._clock.time() - trigger.issued > TRIGGER_LIFE_SECONDS:
            raise SlackError("expired_trigger_id")
        return trigger


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    token: str
    channel: Channel
    user: str
    issued: float
    original: str | None
    """The ts of the message that `replace_original` and `delete_original` mean."""
    thread_ts: str | None
    uses: int = 0


class ResponseUrls:
    """Good for five posts within thirty minutes."""

    def __init__(self, clock: LabClock) -> None:
        self._clock = clock
        self._issued: dict[str, ResponseUrl] = {}
        self.base = ""
        """The lab's own URL, known once it listens: apps post to the absolute URL they are given."""

    def issue(self, user: str, channel: Channel, *, original: str | None = None, thread_ts: str | None = None) -> str:
        token = secrets.token_urlsafe(18)
        self._issued[token] = ResponseUrl(
            token=token, channel=channel, user=user, issued=self._clock.time(), original=original, thread_ts=thread_ts
        )
        return f"{self.base}/respond/{token}"

    def use(self, token: str) -> ResponseUrl:
        response_url = self._issued.get(token)
        if response_url is None or response_url.uses >= RESPONSE_URL_USES:
            raise SlackError("used_url")
        if self._clock.time() - response_url.issued > RESPONSE_URL_LIFE_SECONDS:
            raise SlackError("expired_url")
        response_url.uses += 1
        return response_url
