"""Text files that were shared with a prompt (reference/slack-platform.md sections 11 and 15)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.mrkdwn import code
from bot.sender import Sender
from core.errors import UnavailableError
from core.talk.model import Attachment

FILE_BYTES = 100_000
MOST_FILES = 10

_TEXT_TYPES = frozenset(
    {
        "application/json",
        "application/javascript",
        "application/sql",
        "application/toml",
        "application/typescript",
        "application/x-ndjson",
        "application/x-python",
        "application/x-sh",
        "application/x-yaml",
        "application/xml",
        "application/yaml",
    }
)
_TEXT_ENDINGS = frozenset(
    [
        "bash",
        "c",
        "cfg",
        "conf",
        "cpp",
        "cs",
        "css",
        "csv",
        "diff",
        "go",
        "h",
        "hpp",
        "html",
        "ini",
        "java",
        "javascript",
        "js",
        "json",
        "jsonl",
        "jsx",
        "kotlin",
        "kt",
        "log",
        "lua",
        "markdown",
        "md",
        "php",
        "pl",
        "post",
        "py",
        "python",
        "r",
        "rb",
        "rs",
        "rst",
        "ruby",
        "rust",
        "scala",
        "sh",
        "shell",
        "sql",
        "swift",
        "tex",
        "text",
        "toml",
        "ts",
        "tsv",
        "tsx",
        "txt",
        "typescript",
        "xml",
        "yaml",
        "yml",
    ]
)
"""Slack's names for kinds of files, and what file names end with."""
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}

File = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFiles:
    attachments: Sequence[Attachment]
    problems: Sequence[str]
    """A sentence in mrkdwn for each file that was left out."""


async def read_files(sender: Sender, files: Sequence[File], *, most_bytes: int = FILE_BYTES) -> ReadFiles:
    """`most_bytes`: of each; what is larger is left out."""
    attachments: list[Attachment] = []
    problems: list[str] = []
    for file in files[:MOST_FILES]:
        read = await _read(sender, file, most_bytes)
        if isinstance(read, Attachment):
            attachments.append(read)
        else:
            problems.append(read)
    if len(files) > MOST_FILES:
        problems.append(f"Prime reads at most {MOST_FILES} files at once; the others were left out.")
    return ReadFiles(attachments=attachments, problems=problems)


async def _read(sender: Sender, file: File, most_bytes: int) -> Attachment | str:
    """The file, or why it is left out."""
    try:
        if file.get("file_access") == "check_file_info":  # of another workspace: the event tells only the id
            answer = await sender.files_info(file=str(file.get("id")))
            file = answer.get("file") or {}
        name = str(file.get("name") or "file")
        if not _is_text(file):
            return f"{code(name)} was left out: Prime reads text files only."
        if int(file.get("size") or 0) > most_bytes:
            return f"{code(name)} was left out: Prime reads files of up to {most_bytes // 1000:,} kB."
        url, mimetype = str(file.get("url_private") or ""), str(file.get("mimetype") or "")
        data = await sender.get_file(url, mimetype=mimetype, most_bytes=most_bytes)
    except (SlackApiError, UnavailableError):
        return "A file was left out, because Slack did not hand it out. Share it again to try once more."
    text = None if data is None else _decoded(data)
    if text is None:
        return f"{code(name)} was left out: it could not be read as text."
    return Attachment(name=" ".join(name.split()), text=text)


def _is_text(file: File) -> bool:
    mimetype = str(file.get("mimetype") or "")
    ending = str(file.get("name") or "").rpartition(".")[2].lower()
    kinds = {str(file.get("filetype") or "").lower(), ending}
    return mimetype.startswith("text/") or mimetype in _TEXT_TYPES or not kinds.isdisjoint(_TEXT_ENDINGS)


def _decoded(data: bytes) -> str | None:
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text
