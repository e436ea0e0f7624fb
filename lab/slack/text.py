"""Slack's text: three escaped characters, references in angle brackets, and mrkdwn (slack-platform.md section 16)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Leaf = dict[str, Any]

_TYPED_CODE = r"(?P<code>```.+?```|`[^`\n]+`)"
_TYPED_URL = r"(?P<url>https?://[^\s<>|]*[^\s<>|.,;:!?'\")\]}])"
_TYPED_EMAIL = r"(?P<email>(?<![\w.+-])[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(?![\w-]))"

_FENCE = re.compile(r"```\n?(.+?)\n?```", re.DOTALL)
_QUOTE = re.compile(r"&gt; ?(.*)")
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<(?P<reference>[^<>\n]+)>"
    r"|:(?P<emoji>[a-z0-9_+-]+):"
    r"|(?<!\w)(?P<mark>[*_~])(?=\S)(?P<marked>(?:<[^<>\n]+>|(?!(?P=mark))[^<\n])+)(?<=\S)(?P=mark)(?!\w)"
)
_STYLES = {"*": "bold", "_": "italic", "~": "strike"}
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def mentions(escaped: str) -> list[str]:
    """The ids of the people mentioned, each once, in order."""
    return list(dict.fromkeys(_MENTION.findall(escaped)))


def resolve_typed(text: str, people: Mapping[str, str], channels: Mapping[str, str], groups: Mapping[str, str]) -> str:
    """What a person's client makes of plainly typed text: escaped, with references for `@name`, `#channel`, `@group`,
    `@here`, web addresses and e-mail addresses. Names (mapped to ids) match in any case, the longest first; code is
    left alone. Bare domains, which Slack links too, are not: telling them from file names takes its list of domains.
    """
    called = {
        **{f"@{handle}".casefold(): f"<!subteam^{group}|@{escape(handle)}>" for handle, group in groups.items()},
        **{f"@{name}".casefold(): f"<@{user}>" for name, user in people.items()},
        **{f"#{name}".casefold(): f"<#{channel}|{escape(name)}>" for name, channel in channels.items()},
        **{f"@{word}": f"<!{word}>" for word in ("here", "channel", "everyone")},
    }
    names = "|".join(re.escape(name) for name in sorted(called, key=len, reverse=True))
    typed = re.compile(
        f"{_TYPED_CODE}|{_TYPED_URL}|{_TYPED_EMAIL}|(?<![\\w@#])(?P<name>{names})(?!\\w)", re.IGNORECASE | re.DOTALL
    )
    pieces: list[str] = []
    end = 0
    for found in typed.finditer(text):
        pieces += escape(text[end : found.start()]), _reference(found, called)
        end = found.end()
    return "".join([*pieces, escape(text[end:])])


def to_rich_text(escaped: str) -> dict[str, Any]:
    """The `rich_text` block that Slack adds to what a person wrote: fences, quotes, styled text and references."""
    return {"type": "rich_text", "elements": list(_containers(escaped))}


def _reference(found: re.Match[str], called: Mapping[str, str]) -> str:
    whole = found.group()
    match found.lastgroup:
        case "url":
            return f"<{escape(whole)}>"
        case "email":
            return f"<mailto:{whole}|{whole}>"
        case "name":
            # Matching ignores case by rules of its own, which differ from casefold for a few letters.
            return called.get(whole.casefold(), escape(whole))
        case _:
            return escape(whole)


def _containers(escaped: str) -> Iterator[dict[str, Any]]:
    end = 0
    for fence in _FENCE.finditer(escaped):
        yield from _prose(escaped[end : fence.start()].removesuffix("\n"))
        yield {"type": "rich_text_preformatted", "elements": [_text(fence.group(1))]}
        end = fence.end()
    yield from _prose(escaped[end:].removeprefix("\n") if end else escaped)


def _prose(escaped: str) -> Iterator[dict[str, Any]]:
    """Runs of quoted and of plain lines."""
    plain: list[str] = []
    quoted: list[str] = []
    for line in escaped.split("\n"):
        quote = _QUOTE.fullmatch(line)
        if quote:
            yield from _container("rich_text_section", plain)
            quoted.append(quote.group(1))
        else:
            yield from _container("rich_text_quote", quoted)
            plain.append(line)
    yield from _container("rich_text_section", plain)
    yield from _container("rich_text_quote", quoted)


def _container(kind: str, lines: list[str]) -> Iterator[dict[str, Any]]:
    """The container of these lines, if there is anything in them; they are used up."""
    joined = "\n".join(lines)
    lines.clear()
    if joined:
        yield {"type": kind, "elements": list(_inline(joined, {}))}


def _inline(escaped: str, style: Mapping[str, bool]) -> Iterator[Leaf]:
    end = 0
    for found in _INLINE.finditer(escaped):
        if plain := escaped[end : found.start()]:
            yield _text(plain, style)
        end = found.end()
        if found["code"]:
            yield _text(found["code"], {**style, "code": True})
        elif found["reference"]:
            yield _referred(found["reference"], style)
        elif found["emoji"]:
            yield _styled({"type": "emoji", "name": found["emoji"]}, style)
        else:
            yield from _inline(found["marked"], {**style, _STYLES[found["mark"]]: True})
    if plain := escaped[end:]:
        yield _text(plain, style)


def _referred(reference: str, style: Mapping[str, bool]) -> Leaf:
    target, _, label = reference.partition("|")
    if target.startswith("@"):
        leaf = {"type": "user", "user_id": target[1:]}
    elif target.startswith("#"):
        leaf = {"type": "channel", "channel_id": target[1:]}
    elif target.startswith("!subteam^"):
        leaf = {"type": "usergroup", "usergroup_id": target.removeprefix("!subteam^")}
    elif target in ("!here", "!channel", "!everyone"):
        leaf = {"type": "broadcast", "range": target[1:]}
    elif target.startswith("!"):
        return _text(label or target, style)
    else:
        leaf = {"type": "link", "url": unescape(target), **({"text": unescape(label)} if label else {})}
    return _styled(leaf, style)


def _text(escaped: str, style: Mapping[str, bool] | None = None) -> Leaf:
    return _styled({"type": "text", "text": unescape(escaped)}, style)


def _styled(leaf: Leaf, style: Mapping[str, bool] | None) -> Leaf:
    return {**leaf, "style": dict(style)} if style else leaf
