"""What an operator types about the log database."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from lab.slack.server import SlackLab
from tests.scenario.test_doctor import examine
from tests.scenario.test_process import environment, start_process

pytestmark = pytest.mark.xdist_group("log roles")  # roles belong to the cluster, which all workers share


async def test_it_is_set_up_and_examined(lab: SlackLab, tmp_path: Path, empty_database_url: str) -> None:
    (tmp_path / "doctor").mkdir()
    _, said = await examine(lab, tmp_path)
    assert said["Log database"].startswith("ok Log database: not given")
    _, said = await examine(lab, tmp_path, LOG_DATABASE_URL=empty_database_url)
    assert said["Log database"].startswith("FAIL")
    assert "prime migrate --logs" in said["Log database"]

    variables = environment(lab, tmp_path / "doctor", LOG_DATABASE_URL=empty_database_url)
    for _ in range(2):
        command = await start_process("migrate", "--logs", env=variables, cwd=tmp_path)
        output, _ = await asyncio.wait_for(command.communicate(), timeout=60)
        assert command.returncode == 0, output.decode()
    with psycopg.connect(empty_database_url) as connection:
        found = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_name = 'fluentbit' ORDER BY ordinal_position"
        ).fetchall()
    assert found == [("tag", "character varying"), ("time", "timestamp without time zone"), ("data", "jsonb")]
    _, said = await examine(lab, tmp_path, LOG_DATABASE_URL=empty_database_url)
    assert said["Log database"].startswith("ok Log database: answers")
    _, said = await examine(lab, tmp_path, LOG_DATABASE_URL="postgresql://nobody:s3cret@127.0.0.1:1/x")
    assert "does not answer" in said["Log database"]
    assert "s3cret" not in str(said)
