"""What fluent-bit is told on a machine: read the file that Docker keeps of the engine's output, leave out what may hold
a secret, and write the rest to the log database.

Docker's own file rather than its fluentd driver: the engine starts and runs whether or not anybody reads along,
`docker logs` works as ever, and what the database missed while it was away is sent later.

Of the output only such options are used as all releases know: `async`, `timestamp_key` and the sizes of the pool are
gone in some and needed in none, and UTC is a setting of the role. Facts: reference/tgi-api.md 12."""

import re
from collections.abc import Iterable

from core.logs.model import LogTarget

IMAGE = "fluent/fluent-bit:4.0.13"
"""Listed in fluent-bit's documentation. That this build has the `pgsql` output and LuaJIT is not confirmed."""

MAY_HOLD_SECRETS = (
    r"Args \{",  # TGI's first line
    r"Namespace\(|non-default args",  # vLLM's
    r"Received request .*prompt",  # vLLM's, with the text of a prompt, where somebody switched that on
    r"[Aa][Pp][Ii][-_ ]?[Kk][Ee][Yy]|[Bb]earer |[Pp]assword|hf_[A-Za-z0-9]{8}|postgres(ql)?://",
)
"""Regular expressions of lines that stay on the machine, in the part of the language that Ruby's and Python's share."""

PARSERS = r"""[PARSER]
    Name docker_line
    Format json
    Time_Key time
    Time_Format %Y-%m-%dT%H:%M:%S.%LZ
[PARSER]
    Name engine_line
    Format json
    Time_Key timestamp
    Time_Format %Y-%m-%dT%H:%M:%S.%LZ
    Time_Keep On
"""

# One NUL, as a character or as JSON's escape, would lose the whole chunk that it is in.
_CLEAN = (
    r'function clean(tag, at, record) local s = record["log"] if type(s) == "string" then '
    r'record["log"] = s:gsub("%z", ""):gsub("\\u0000", ""):gsub("%s+$", "") end return 2, at, record end'
)


def configuration(target: LogTarget, *, secrets: Iterable[str]) -> str:
    """The main file; it holds the role's password. A line that holds one of `secrets` is left out, too."""
    excluded = "\n".join(
        f"    Exclude log {word}" for word in (*MAY_HOLD_SECRETS, *map(re.escape, filter(None, secrets)))
    )
    return f"""[SERVICE]
    Flush 1
    Log_Level warn
    Parsers_File /prime/parsers.conf
[INPUT]
    Name tail
    Tag {target.role}
    Path /engine/*-json.log
    Parser docker_line
    Docker_Mode On
    DB /state/engine.db
    Read_from_Head On
    Skip_Long_Lines On
    Buffer_Max_Size 1M
    Mem_Buf_Limit 16M
[FILTER]
    Name lua
    Match *
    Call clean
    Code {_CLEAN}
[FILTER]
    Name grep
    Match *
{excluded}
[FILTER]
    Name parser
    Match *
    Key_Name log
    Parser engine_line
[OUTPUT]
    Name pgsql
    Match *
    Host {target.host}
    Port {target.port}
    User {target.role}
    Password {target.password}
    Database {target.database}
    Table fluentbit
    Retry_Limit 20
"""
