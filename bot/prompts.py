"""What a model is asked, from what somebody said in Slack."""

import re
from collections.abc import Sequence

from bot.messages import Said
from bot.mrkdwn import unescape
from core.people.model import PersonId
from core.talk.model import Attachment, PromptRequest

_REFERENCE = re.compile(r"<(?P<kind>[@#!]?)(?P<target>[^<>|]*)(?:\|(?P<label>[^<>]*))?>")
_ON_SERVER = re.compile(r"on\s+(?P<name>[a-z0-9][a-z0-9-]{0,29})\s*:\s*", re.IGNORECASE | re.ASCII)
_SOMEBODY = re.compile(r"\s*<(@|!subteam\^)")
_ADDRESSES = ("mailto:", "tel:")
_TYPED_AS = (*_ADDRESSES, "https://", "http://")
"""What Slack puts in front of what somebody typed."""


def read_prompt(
    said: Said, *, bot_user: str, author: PersonId, author_name: str, attachments: Sequence[Attachment] = ()
) -> PromptRequest:
    text = _without_leading_mention(said.text, bot_user)
    is_addressed = said.is_direct or said.mentions(bot_user)
    is_to_somebody_else = text is said.text and _SOMEBODY.match(text) is not None
    named = _ON_SERVER.match(text) if is_addressed else None
    if named is not None:
        text = text[named.end() :]
    return PromptRequest(
        thread=said.thread,
        ts=said.ts,
        author=author,
        author_name=author_name,
        text=typed_text(text).strip(),
        is_addressed=is_addressed,
        to_somebody_else=is_to_somebody_else,
        server_name="" if named is None else named["name"].lower(),
        in_thread=said.is_reply,
        attachments=attachments,
    )


def typed_text(text: str) -> str:
    """As somebody typed it: without Slack's forms for links and channels, and without its escapes. People stay `<@U1>`,
    since there is no other way to name them that means the same to everybody."""
    return unescape(_REFERENCE.sub(_typed, text))


def _without_leading_mention(text: str, bot_user: str) -> str:
    """The very same text if there is none."""
    found = re.match(rf"\s*<@{re.escape(bot_user)}(\|[^<>]*)?>\s*[,:]?\s*", text)
    return text if found is None else text[found.end() :]


def _typed(reference: re.Match[str]) -> str:
    target, label = reference["target"], reference["label"]
    match reference["kind"]:
        case "@":
            return f"&lt;@{target}&gt;"
        case "#":
            return f"#{label or target}"
        case "!":
            return label if label and "^" in target else f"@{target.partition('^')[0]}"
        case _:
            return _typed_link(target, label)


def _typed_link(url: str, label: str | None) -> str:
    """The words alone where they are what the link was made of, else both."""
    bare = next((url.removeprefix(front) for front in _TYPED_AS if url.startswith(front)), url)
    if url.startswith(_ADDRESSES):
        return label or bare
    if not label:
        return url
    return label if label.rstrip("/") in (url.rstrip("/"), bare.rstrip("/")) else f"{label} ({url})"
