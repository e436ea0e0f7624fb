"""What an engine was told, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.hub.model import HubModel


class LaunchError(Exception):
    """The program refuses to run: its container exits, and exits again each time its restart policy brings it back."""

    def __init__(self, *log_lines: str, exit_status: int = 1) -> None:
        super().__init__(log_lines[-1])
        self.log_lines = list(log_lines)
        """What the container's log holds then. Like the real ones, it may show the key."""
        self.exit_status = exit_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """None stands for "no limit" or "not given"."""

    model: HubModel
    served_names: tuple[str, ...]
    """What a request may call the model; the first is what answers call it."""
    api_key: str | None
    port: int
    max_input_tokens: int
    max_total_tokens: int
    """Of prompt and answer together."""
    max_admitted: int | None
    """Requests at a time; one more is refused."""
    max_running: int | None
    """Requests that get tokens at a time; those admitted beyond that wait."""
    has_chat_template: bool
    num_shard: int
    max_batch_total_tokens: int
    max_best_of: int = 2
    max_stop_sequences: int = 4
    max_top_n_tokens: int = 5
    max_client_batch_size: int = 4
    payload_limit: int = 2_000_000
    json_output: bool = False
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Every option by its name with the value that counts, as the first log line shows it."""
