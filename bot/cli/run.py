import click

from bot import main
from bot.log import configure_logging
from bot.settings import Settings


@click.command
def run() -> None:
    """Run Prime in the workspace that the settings name, until it is told to stop."""
    settings = Settings.load()
    configure_logging(level=settings.prime_log_level, form=settings.prime_log_format)
    main.run(settings)
