"""Which program `prime postgres` runs, and what it is told of the database."""

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from db.programs import run

URL = "postgresql://ada:pa%20ss@db.example.com:6543/prime?sslmode=verify-full&sslrootcert=/ca.pem&keepalives=1"
STAND_IN = """\
#!/bin/sh
echo "$@" "$PGUSER" "$PGPASSWORD" "$PGHOST" "$PGPORT" "$PGDATABASE" "$PGSSLMODE" "$PGSSLROOTCERT"
exit 3
"""


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_where_tls_is_asked_for_it_is_the_operators_own(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (path / "psql").write_text(STAND_IN)
    (path / "psql").chmod(0o755)
    assert run(["psql", "--list"], url=URL) == 3
    assert capfd.readouterr().out == "--list ada pa ss db.example.com 6543 prime verify-full /ca.pem\n"


def test_if_there_is_none_the_operator_is_told() -> None:
    with pytest.raises(ConfigurationError, match="asks for TLS, for which Prime brings no psql"):
        run(["psql"], url=URL)


def test_else_it_is_primes_own(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["psql", "--version"], url="postgresql:///prime") == 0
    assert "18." in capfd.readouterr().out


def test_a_url_that_is_none_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        run(["psql"], url="postgresql://ada:secret@[h/n")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
