"""fluent-bit as far as a machine of Prime needs it: it reads its configuration from the folder that is mounted, tails
the log of the container whose folder is mounted, and writes what its filters leave to Postgres as its plug-in does
(reference/tgi-api.md 12). Other inputs, filters and outputs than these end it with an error, as a misspelt one does."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from lab.clock import LabClock
from lab.paperspace.computer.docker_run import Run

IMAGES = ("fluent/fluent-bit", "cr.fluentbit.io/fluent/fluent-bit")

CREATE = "CREATE TABLE IF NOT EXISTS {table} (tag varchar, time timestamp, data jsonb);"
INSERT = "INSERT INTO {table} SELECT %s, to_timestamp(CAST(value->>'date' as FLOAT)), * FROM json_array_elements(%s)"
_PLUGINS = {("INPUT", "tail"), ("FILTER", "lua"), ("FILTER", "grep"), ("FILTER", "parser"), ("OUTPUT", "pgsql")}
_KNOWN = {"host", "port", "user", "password", "database", "table", "connection_options"}
"""Of `pgsql`, what all releases have."""

Section = tuple[str, list[tuple[str, str]]]
Record = dict[str, Any]


class ConfigurationError(Exception):
    """What fluent-bit ends with."""


@dataclass(slots=True, kw_only=True)
class Pipeline:
    sections: Sequence[Section]
    parsers: Mapping[str, Mapping[str, str]]

    def one(self, kind: str) -> dict[str, str]:
        """The only section of its kind, by lower-case names."""
        (found,) = [dict(entries) for name, entries in self.sections if name == kind]
        return {name.lower(): value for name, value in found.items()}

    def filtered(self, line: str, at: datetime) -> tuple[datetime, Record] | None:
        """What becomes of a line; None if it is left out."""
        record: Record = {"log": line + "\n", "stream": "stdout"}
        for _, entries in (section for section in self.sections if section[0] == "FILTER"):
            values = {name.lower(): value for name, value in entries}
            match values["name"]:
                case "lua":  # the one function that Prime gives it
                    record["log"] = re.sub(r"\\u0000|\0", "", record["log"]).rstrip()
                case "grep":
                    excluded = [value.partition(" ") for name, value in entries if name == "Exclude"]
                    if any(re.search(pattern, str(record.get(key, ""))) for key, _, pattern in excluded):
                        return None
                case "parser":
                    at, record = self._parsed(values, at, record)
                case _:
                    raise ConfigurationError
        return at, record

    def _parsed(self, values: Mapping[str, str], at: datetime, record: Record) -> tuple[datetime, Record]:
        parser = self.parsers[values["parser"]]
        try:
            found = json.loads(record[values["key_name"]])
            form = parser["time_format"].replace("%L", "%f")
            told = datetime.strptime(found[parser["time_key"]], form).replace(tzinfo=UTC)
        except (ValueError, TypeError, KeyError):
            return at, record
        return told, found


def read_configuration(folder: Path, name: str) -> Pipeline:
    """Raises ConfigurationError, OSError."""
    sections = list(_sections((folder / name).read_text()))
    service = {key.lower(): value for kind, entries in sections if kind == "SERVICE" for key, value in entries}
    parsers: dict[str, dict[str, str]] = {}
    for _, entries in _sections((folder / Path(service["parsers_file"]).name).read_text()):
        values = {key.lower(): value for key, value in entries}
        parsers[values["name"]] = values
    plugins = [(kind, dict(entries).get("Name", "")) for kind, entries in sections if kind != "SERVICE"]
    if not set(plugins) <= _PLUGINS:
        raise ConfigurationError
    pipeline = Pipeline(sections=sections, parsers=parsers)
    if not set(pipeline.one("OUTPUT")) <= {"name", "match", "retry_limit", *_KNOWN}:
        raise ConfigurationError
    return pipeline


def _sections(text: str) -> Iterator[Section]:
    """The classic format: `[KIND]`, then indented `Key value` lines."""
    for block in re.split(r"^\[", text, flags=re.MULTILINE)[1:]:
        kind, _, rest = block.partition("]\n")
        entries = [line.strip().partition(" ") for line in rest.splitlines() if line.strip()]
        yield kind, [(key, value.strip()) for key, _, value in entries]


async def run(
    run: Run, log_lines: list[str], log_of: Callable[[str], list[str]], read: dict[str, int], clock: LabClock
) -> int:
    """The exit status, when it cannot begin; `log_lines` are its own. `read` is how far it came with each log."""
    try:
        pipeline = read_configuration(Path(run.volumes["/prime"]), Path(run.arguments[-1]).name)
        source = Path(run.volumes["/engine"]).name
        output = pipeline.one("OUTPUT")
        connection = await _connect(output)
    except (ConfigurationError, psycopg.Error, OSError, KeyError, ValueError) as error:
        log_lines.append(f"[error] [lib] backend failed: {type(error).__name__}")
        return 1
    async with connection:
        while True:
            lines = log_of(source)
            new = lines[read.get(source, 0) :]
            kept = [pipeline.filtered(line, clock.now()) for line in new]
            records = [{"date": at.timestamp(), **record} for at, record in filter(None, kept)]
            try:
                if records:
                    table = f'"{output["table"]}"'
                    values = (pipeline.one("INPUT")["tag"], json.dumps(records))
                    await psycopg.AsyncClientCursor(connection).execute(INSERT.format(table=table).encode(), values)
            except psycopg.Error as error:
                log_lines.append(f"[error] [output:pgsql:pgsql.0] {type(error).__name__}")
                return 1
            read[source] = read.get(source, 0) + len(new)
            await clock.sleep(1.0)


async def _connect(output: Mapping[str, str]) -> psycopg.AsyncConnection:
    connection = await psycopg.AsyncConnection.connect(
        host=output["host"],
        port=output["port"],
        user=output["user"],
        password=output["password"],
        dbname=output["database"],
        options=output.get("connection_options", ""),
        autocommit=True,
    )
    await connection.execute(CREATE.format(table=f'"{output["table"]}"').encode())
    return connection
