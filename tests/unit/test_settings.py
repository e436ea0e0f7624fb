"""Each variable's sentence, and what is shown of the settings."""

from pathlib import Path

import pytest

from bot.settings import Address, LogFormat, Settings
from core.errors import ConfigurationError

SECRET = "very-secret-word"

BAD = {
    "SLACK_BOT_TOKEN": ["xoxp-1", SECRET, "xoxb-", "xoxb-with blank"],
    "SLACK_APP_TOKEN": ["xoxb-1", SECRET],
    "SLACK_SIGNING_SECRET": ["short"],
    "SLACK_API_URL": ["slack.com", "ftp://slack.com", "http://slack.example", "https://slack.com/api?x=1"],
    "DATABASE_URL": [f"mysql://u:{SECRET}@h/n", "somewhere"],
    "PRIME_ADMINS": ["olivia", "U1,@adam", "C012ABCDEF"],
    "PRIME_APPROVAL_CHANNEL": ["#approvals", "U012ABCDEF"],
    "PRIME_HTTP_ADDR": ["8300", "localhost", "127.0.0.1:http", "127.0.0.1:99999", ":1"],
    "PRIME_METRICS_ADDR": ["9000"],
    "PRIME_MONITOR_SECONDS": ["0", "often", "1.5"],
    "PRIME_STALL_SECONDS": ["-1"],
    "PRIME_DRAIN_SECONDS": ["-1", "16", "long"],
    "PRIME_LOG_LEVEL": ["LOUD"],
    "PRIME_LOG_FORMAT": ["xml"],
    "PAPERSPACE_API_URL": ["paperspace"],
    "HF_TOKEN": [SECRET],
    "HF_ORG": ["two words"],
    "HF_API_URL": ["http://hub.example"],
    "TGI_IMAGE": ["no-tag"],
    "TGI_PORT": ["0", "70000", "web"],
    "TGI_SCHEME": ["ftp"],
    "LOG_DATABASE_URL": ["logs"],
    "PRIME_REDACTION_ENGINE": ["magic"],
    "PRIME_REDACTION_MODEL": ["a model", "$(x)"],
    "PRIME_REDACTION_WORKERS": ["0", "many"],
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("variable", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_malformed_value_gives_one_sentence_that_names_its_variable_and_not_its_value(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        Settings.load()
    sentence = str(caught.value)
    assert sentence.startswith(f"{variable} must ")
    assert "\n" not in sentence
    assert SECRET not in sentence
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_every_variable_that_can_be_malformed_is_tried_above() -> None:
    never_malformed = {"PRIME_DATA_DIR", "PRIME_SECRET_KEY", "PAPERSPACE_API_KEY", "PRIME_REDACTION_CANARIES"}
    assert {name.upper() for name in Settings.model_fields} == BAD.keys() | never_malformed  # the key's are in db


def test_defaults_are_those_of_the_design() -> None:
    settings = Settings.load()
    assert settings.slack_api_url == "https://slack.com/api"
    assert settings.prime_http_addr == Address("127.0.0.1", 8300)
    assert settings.prime_monitor_seconds == 30
    assert settings.prime_stall_seconds == 60
    assert settings.prime_log_format is LogFormat.TEXT
    assert settings.paperspace_api_url == "https://api.paperspace.com/v1"
    assert settings.hf_api_url == "https://huggingface.co/api"
    assert (settings.tgi_port, settings.tgi_scheme) == (8080, "https")


def test_reads_the_environment_and_before_it_dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PRIME_MONITOR_SECONDS=5\nPRIME_ADMINS=U012ABC, W34DEF\nHF_ORG=\n")
    monkeypatch.setenv("PRIME_MONITOR_SECONDS", "1")
    monkeypatch.setenv("PRIME_HTTP_ADDR", "[::1]:8400")
    monkeypatch.setenv("PRIME_LOG_LEVEL", "debug")
    settings = Settings.load()
    assert settings.prime_monitor_seconds == 1
    assert settings.prime_admins == ("U012ABC", "W34DEF")
    assert settings.hf_org is None
    assert settings.prime_http_addr == Address("::1", 8400)
    assert str(settings.prime_http_addr) == "[::1]:8400"
    assert settings.prime_log_level == "DEBUG"


def test_plain_http_is_taken_on_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for host in ("127.0.0.1:80", "localhost", "[::1]:9"):
        monkeypatch.setenv("SLACK_API_URL", f"http://{host}/api/")
        assert Settings.load().slack_api_url == f"http://{host}/api"


def test_description_shows_every_variable_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1-secret")
    monkeypatch.setenv("DATABASE_URL", f"postgresql://prime:{SECRET}@db/prime")
    rows = {row.variable: row for row in Settings.load().describe()}
    assert rows.keys() == {name.upper() for name in Settings.model_fields}
    assert rows["SLACK_BOT_TOKEN"].value == rows["DATABASE_URL"].value == "set"
    assert rows["SLACK_APP_TOKEN"].value == "not set"
    assert rows["PRIME_HTTP_ADDR"].value == "127.0.0.1:8300"
    assert all(row.meaning for row in rows.values())


@pytest.mark.parametrize(
    ("given", "missing"), [({}, "SLACK_BOT_TOKEN"), ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN")]
)
def test_a_missing_token_is_named_with_where_to_create_it_and_that_the_demo_needs_none(
    given: dict[str, str], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        Settings.load().check_slack()
    sentence = str(caught.value)
    assert sentence.startswith(f"{missing} is not set.")
    assert "https://api.slack.com/apps" in sentence
    assert "prime demo" in sentence


@pytest.mark.parametrize("other", [{"SLACK_APP_TOKEN": "xapp-1"}, {"SLACK_SIGNING_SECRET": "0123456789abcdef"}])
def test_a_bot_token_with_either_way_of_delivery_is_enough(
    other: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    for name, value in other.items():
        monkeypatch.setenv(name, value)
    Settings.load().check_slack()
