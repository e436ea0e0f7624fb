"""From what engines write to what people read. The shapes: reference/tgi-api.md 5.5 and 12."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from core.logs.model import Level, LogLine, LogRow

LONGEST = 1500
"""Characters of one entry that are shown."""
MOST_LINES = 200
LINES = 30

NOT_SAID = "[left out: it may hold a key]"

_NAMES = {"WARNING": Level.WARN, "CRITICAL": Level.ERROR, "FATAL": Level.ERROR, **{level: level for level in Level}}
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# The level as engines put it before their text: TGI without JSON after the time, vLLM first on the line, or behind the
# name of the process in brackets.
_LEVEL = re.compile(
    r"^(?:\([\w .=-]{1,40}\) )?(?:\[?\d{4}-\d\d-\d\dT[\d:.]+Z?\]? {1,4})?"
    r"(?P<level>TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL)\b[ :]*"
)
_TROUBLE = re.compile(r"^(Traceback \(most recent call last\)|[\w.]+(Error|Exception): |thread '.*' panicked|Error: )")
_SECRET = re.compile(
    r"Args \{|Namespace\(|non-default args|Received request .*prompt:"
    r"|[Aa][Pp][Ii][-_]?[Kk][Ee][Yy]|API_KEY|[Bb]earer |hf_[A-Za-z0-9]{8}|[Pp]assword|postgres(ql)?://"
)
_KEY = re.compile(r"(?<![\w/+.-])(?=[\w+-]*\d)(?=[\w+-]*[A-Z])(?=[\w+-]*[a-z])[\w+-]{40,}(?![\w/+.-])")
"""A word as long and as mixed as keys are; a commit's hash, in lower case, is none."""


def read(row: LogRow) -> LogLine:
    """Never raises: whatever stands in a row, something can be shown."""
    data = _unpacked(row.data)
    text = _text(data)
    level = _NAMES.get(str(data.get("level", "")).upper())
    if level is None:
        level, text = _level_of(text)
    return LogLine(at=row.at, level=level, text=_scrub(text)[:LONGEST])


def _unpacked(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Some forwarders leave the engine's JSON as a string in `log`."""
    log = data.get("log")
    if isinstance(log, str) and log.startswith("{"):
        try:
            found = json.loads(log)
        except (ValueError, RecursionError):
            return data
        return cast("dict[str, Any]", found) if isinstance(found, dict) else data
    return data


def _text(data: Mapping[str, Any]) -> str:
    fields = data.get("fields")
    inner = cast("dict[str, Any]", fields).get("message") if isinstance(fields, dict) else None
    candidates = (inner, data.get("message"), data.get("log"))
    return clean(next((one for one in candidates if isinstance(one, str)), ""))


def clean(text: str) -> str:
    """Without colours and control characters; of a line that was drawn over, what it showed last."""
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in _COLOURS.sub("", text).split("\n"))
    return "\n".join("".join(filter(str.isprintable, line.replace("\t", "    "))) for line in lines).rstrip()


def _level_of(text: str) -> tuple[Level, str]:
    """Of a line that tells it in words, and the line without them."""
    found = _LEVEL.match(text)
    if found is not None:
        return _NAMES[found["level"]], text[found.end() :]
    return (Level.ERROR if _TROUBLE.match(text) else Level.INFO), text


def _scrub(text: str) -> str:
    """The machine drops such lines before they leave it; this is for what it did not know."""
    if _SECRET.search(text):
        return NOT_SAID
    return _KEY.sub("[left out]", text)
