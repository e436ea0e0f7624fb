from importlib.metadata import entry_points

import click

from core.errors import ConfigurationError


@click.command
def demo() -> None:
    """Show all of Prime on this machine: no account, no token."""
    found = list(entry_points(group="prime.demo"))
    if not found:
        raise ConfigurationError("No demo is installed with this Prime: `make setup` in a checkout installs it.")
    found[0].load()()
