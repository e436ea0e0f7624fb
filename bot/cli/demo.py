from importlib.metadata import entry_points

import click

from core.errors import ConfigurationError


@click.command
@click.option("--engine-url", metavar="URL", help="An OpenAI-compatible server on this machine, such as llama.cpp's.")
@click.option("--engine-key", metavar="KEY", help="The key that it wants.")
@click.option("--engine-model", metavar="NAME", help="The model to ask it for; else the first that it serves.")
def demo(engine_url: str | None, engine_key: str | None, engine_model: str | None) -> None:
    """Show all of Prime on this machine: no account, no token.

    Its model servers echo, unless a real one is given to answer in their place.
    """
    if (engine_key or engine_model) and not engine_url:
        raise ConfigurationError("`--engine-key` and `--engine-model` belong to an `--engine-url`.")
    found = list(entry_points(group="prime.demo"))
    if not found:
        raise ConfigurationError("No demo is installed with this Prime: `make setup` in a checkout installs it.")
    found[0].load()(engine_url=engine_url, engine_key=engine_key, engine_model=engine_model)
