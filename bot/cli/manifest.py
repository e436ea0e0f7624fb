import click

from bot.manifest import http_manifest_text, manifest_text


@click.command
@click.option("--url", help="Where Slack reaches Prime, such as https://prime.example.com: for HTTP mode.")
def manifest(url: str | None) -> None:
    """Print the Slack app's manifest."""
    if url is None:
        print(manifest_text(), end="")
        return
    if not url.startswith("https://"):
        raise click.BadParameter("Slack delivers to https:// addresses only.", param_hint="--url")
    print(http_manifest_text(url), end="")
