"""What models say, as Slack's `markdown` blocks show it (reference/slack-platform.md sections 6.3, 7 and 16).

Those take standard Markdown, so nothing is converted. What is done is to take its power away: of what Slack would read
as a mention or a ping the first character is escaped, with Slack's own escapes, so that undoing them gives the text as
it was. Other angle brackets stay, since escapes would show in code."""

import re

_REFERENCE = re.compile(
    r"<(?=[@#][A-Z0-9]|!(?:here|channel|everyone|group|subteam|date)|!\^)"
    r"|&(?=(?:lt|gt|amp);)",  # else undoing the escapes would change what was an entity in the model's own words
    re.IGNORECASE,
)
_ESCAPES = {"<": "&lt;", "&": "&amp;"}
_NOT_SENT = re.compile(r"[\x00\ud800-\udfff]")
"""What is no text in JSON or for CommonMark."""


def neutralise(text: str) -> str:
    """Text of a model, or of people, that mentions nobody and pings no channel. Longer by 3 or 4 per escape. A NUL or
    half of a character becomes U+FFFD: that alone cannot be undone."""
    return _REFERENCE.sub(lambda found: _ESCAPES[found[0]], _NOT_SENT.sub("\ufffd", text))


def restore_escapes(text: str) -> str:
    """What `neutralise` was given."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
