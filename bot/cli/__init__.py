"""The command line. One file per command; here is what all of them share: how they end."""

import sys

import click

from bot.cli.admin import admin
from bot.cli.audit import audit
from bot.cli.demo import demo
from bot.cli.doctor import doctor
from bot.cli.manifest import manifest
from bot.cli.migrate import migrate
from bot.cli.postgres import postgres
from bot.cli.redact import redact
from bot.cli.run import run
from bot.log import configure_logging, log_unexpected
from bot.settings import LogFormat
from core.errors import PrimeError

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="prime", prog_name="prime")
def prime() -> None:
    """Run your team's own language models from Slack."""


for command in (run, demo, migrate, manifest, doctor, redact, admin, audit, postgres):
    prime.add_command(command)


def main() -> None:
    """Ends with 0, or with 1 and a sentence: never with a traceback."""
    configure_logging(level="WARNING", form=LogFormat.TEXT)
    try:
        sys.exit(prime.main(prog_name="prime", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except PrimeError as error:
        _complain(str(error))
    except Exception as error:  # noqa: BLE001 the outermost boundary
        _complain(
            f"Something went wrong inside Prime; the log has more under reference {log_unexpected('crash', error)}."
        )


def _complain(sentence: str) -> None:
    print(sentence, file=sys.stderr)
    sys.exit(1)
