"""Postgres's own programs, which come with the embedded one."""

import os
import shutil
import subprocess
from collections.abc import Sequence

from psycopg import ProgrammingError, pq
from psycopg.conninfo import conninfo_to_dict

from core.errors import ConfigurationError
from db.embedded import program_folder

_WITH_TLS = ("require", "verify-ca", "verify-full")
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "HOME", "LANG", "LC_ALL", "TERM", "PAGER", "TZ")


def run(words: Sequence[str], *, url: str) -> int:
    """Runs one of them on our terminal and streams, on the database of this URL; its exit status. Blocks. Where that
    asks for TLS, which ours do not know, it is the one on PATH.

    Raises ConfigurationError if there is no such program, or for a URL that is none."""
    name, *arguments = words
    if name not in {path.name for path in program_folder().iterdir()}:
        raise ConfigurationError(f"Postgres has no program {name}; it has psql, pg_dump and pg_restore.")
    target = _target(url)
    program = shutil.which(name) if target.get("sslmode") in _WITH_TLS else str(program_folder() / name)
    if program is None:
        raise ConfigurationError(
            f"DATABASE_URL asks for TLS, for which Prime brings no {name}: install Postgres's client (Debian: "
            "postgresql-client) as new as the server."
        )
    inherited = {variable: os.environ[variable] for variable in _INHERITED if variable in os.environ}
    # By variables: unlike words of a command, nobody else on the machine can read them.
    names = {option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    given = {names[word]: value for word, value in target.items() if word in names}
    return subprocess.run([program, *arguments], env={**inherited, **given}, check=False).returncode  # noqa: S603 the operator's words


def _target(url: str) -> dict[str, str]:
    """What the URL says, by libpq's words."""
    try:
        return {word: str(value) for word, value in conninfo_to_dict(url).items()}
    except ProgrammingError:
        pass
    # Outside the handler: the cause would carry the password.
    raise ConfigurationError("DATABASE_URL is not of the form postgresql://user:password@host:port/name.")
