"""What people said in a thread before Prime was asked."""

from collections.abc import Sequence

from slack_sdk.web.async_client import AsyncWebClient

from bot.messages import said_in
from bot.prompts import typed_text
from core.errors import NotFoundError
from core.people.model import PersonId
from core.people.service import People
from core.talk.model import Conversation
from core.talk.service import Note

MOST_MESSAGES = 100
MOST_CHARACTERS = 30_000
_FETCHED = 999
"""Slack gives the oldest first, and those nearest to the question are wanted."""


async def read_above(
    client: AsyncWebClient, people: People, conversation: Conversation, *, before_ts: str
) -> Sequence[Note]:
    """Oldest first, without what bots said: the last ones that are within the limits. Raises SlackApiError,
    UnavailableError."""
    thread = conversation.thread
    answer = await client.conversations_replies(
        channel=thread.channel, ts=thread.ts, latest=before_ts, inclusive=False, limit=_FETCHED
    )
    messages = [{**one, "type": "message", "channel": thread.channel} for one in answer.get("messages") or []]
    said = [one for message in messages if (one := said_in(message, team=thread.team)) and one.ts < before_ts]
    notes: list[Note] = []
    room = MOST_CHARACTERS
    for one in reversed(said[-MOST_MESSAGES:]):
        text = typed_text(one.text).strip()
        room -= len(text)
        if room < 0:
            break
        if text:
            author = PersonId(one.team, one.user)
            notes.append(Note(ts=one.ts, author=author, name=await _name(people, author), text=text))
    return notes[::-1]


async def _name(people: People, person: PersonId) -> str:
    try:
        return (await people.profile(person)).name
    except NotFoundError:
        return "Somebody"
