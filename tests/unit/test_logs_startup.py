"""What a machine is told about its engine's log, as text."""

import re
from pathlib import Path
from typing import Any

import pytest

from core.catalog.model import EngineKind
from core.logs.model import LogTarget
from lab.paperspace.computer.fluent_bit import read_configuration
from providers.startup.logs import MAY_HOLD_SECRETS, PARSERS, configuration
from providers.startup.script import MAX_BYTES
from tests.unit.test_startup_text import KEY, TOKEN, launch, startup, unpacked

TARGET = LogTarget(
    host="logs.example.org",
    port=5432,
    database="logs",
    ssl_mode="require",
    role="prime-ab12cd-000001-llama",
    password="s3cretPassword",
)
SECRET_LINES = (
    '{"level":"INFO","fields":{"message":"Args { model_id: \\"x\\", api_key: Some(\\"k\\") }"}}',
    "INFO 11-22 13:00:01 [utils.py:233] args: Namespace(model='x', api_key=['k'])",
    "INFO 11-22 13:00:01 [utils.py:233] non-default args: {'model': 'x', 'api_key': ['k']}",
    "(APIServer pid=1) INFO Received request chatcmpl-1: prompt: 'hello'",
    f'            "{KEY}",',
    f"token={TOKEN}",
)
LINES = (
    '{"timestamp":"2024-02-21T05:09:52.421039Z","level":"INFO","fields":{"message":"Starting shard"},"target":"x"}',
    '{"timestamp":"2024-02-21T05:09:58.311499Z","level":"INFO","message":"Warming up model","target":"y"}',
    "INFO 11-22 13:00:01 [api_server.py:1839] vLLM API server version 0.11.0",
    "Loading safetensors checkpoint shards: 100% Completed | 2/2",
    "Traceback (most recent call last):",
)


def build(**given: Any) -> str:
    return startup().build(launch(), key=KEY, hub_token=TOKEN, **given)


def test_without_a_log_database_the_script_has_nothing_of_it() -> None:
    text = unpacked(build())
    for word in ("fluent", "prime-logs", "pgsql", "LOG_"):
        assert word not in text


def test_the_password_is_not_in_the_script_of_later_boots() -> None:
    assert TARGET.password in unpacked(build(log=TARGET))
    without = unpacked(startup().without_secrets(launch(), log=TARGET))
    assert TARGET.password not in without
    assert "prime-logs" in without


def test_stays_below_what_clouds_take() -> None:
    assert len(build(log=TARGET)) < MAX_BYTES * 0.6


@pytest.mark.parametrize("line", SECRET_LINES)
def test_a_line_with_a_secret_does_not_leave_the_machine(line: str) -> None:
    assert excluded(line)


@pytest.mark.parametrize("line", LINES)
def test_other_lines_do(line: str) -> None:
    assert not excluded(line)


def test_uses_no_option_of_the_output_that_some_releases_do_not_know(tmp_path: Path) -> None:
    (tmp_path / "fluent-bit.conf").write_text(configuration(TARGET, secrets=[KEY]))
    (tmp_path / "parsers.conf").write_text(PARSERS)
    pipeline = read_configuration(tmp_path, "fluent-bit.conf")
    output = pipeline.one("OUTPUT")
    assert not set(output) & {"async", "timestamp_key", "min_pool_size", "max_pool_size", "workers", "daemon"}
    assert (output["user"], output["password"]) == (TARGET.role, TARGET.password)
    assert pipeline.one("INPUT")["tag"] == TARGET.role
    filters = [dict(entries)["Name"] for kind, entries in pipeline.sections if kind == "FILTER"]
    assert filters == ["lua", "grep", "parser"]  # what is left out is judged on the line as it was written


def test_every_entry_is_one_line_with_a_name_and_a_value() -> None:
    for line in configuration(TARGET, secrets=[KEY, ""]).splitlines():
        assert re.fullmatch(r"\[[A-Z]+\]|    [A-Za-z_.]+ \S.*", line), line


def test_its_expressions_are_such_that_ruby_and_python_mean_the_same() -> None:
    for expression in MAY_HOLD_SECRETS:
        re.compile(expression)
        assert not re.search(r"\(\?[^:]|\\[ZAzGQE]|\$\{", expression)


def excluded(line: str) -> bool:
    found = re.findall(r"^    Exclude log (.*)$", configuration(TARGET, secrets=[KEY, TOKEN]), flags=re.MULTILINE)
    return any(re.search(expression, line) for expression in found)


def test_engines_are_both_meant() -> None:
    """A new kind of engine has first lines of its own, to be looked at here."""
    assert set(EngineKind) == {EngineKind.TGI, EngineKind.VLLM}
