"""Slack's mrkdwn (reference/slack-platform.md section 16)."""


def escape(text: str) -> str:
    """Text of people or models, so that it is no mention, link or channel: Slack knows just these three escapes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_cut(text: str, *, limit: int = 1800) -> str:
    """The same for long texts, of which escaping, and a `>` before each line, could make more than a block takes."""
    escaped = escape(text)
    return escaped if len(escaped) <= limit else escape(text[: limit // len("&amp;")]) + "…"


def quoted(text: str) -> str:
    """Somebody's words as a quotation, all lines of them."""
    return ">" + escape_cut(text).replace("\n", "\n>")


def one_line(text: str) -> str:
    """Somebody's words within a line of ours."""
    return escape_cut(" ".join(text.split()))


def unescape(text: str) -> str:
    """What somebody typed, from what Slack delivers of messages, and of commands with `should_escape`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def code(text: str, *, limit: int = 60) -> str:
    """Somebody's words as inline code, cut to `limit` characters. Backticks have no escape, so they become quotes."""
    words = " ".join(text.split()).replace("`", "'")
    return f"`{escape(words if len(words) <= limit else words[: limit - 1] + '…')}`"
