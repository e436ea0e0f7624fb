"""Images and texts that Prime shows in a conversation as files (reference/slack-platform.md section 15)."""

from slack_sdk.errors import SlackApiError

from bot.sender import Sender
from core.errors import UnavailableError


async def upload(
    sender: Sender,
    *,
    channel: str,
    name: str,
    title: str,
    data: bytes,
    alt_text: str | None = None,
    thread_ts: str | None = None,
) -> None:
    """One message with the file; `alt_text` is that of an image. Prime has to be a member of the channel. Raises
    UnavailableError if Slack does not take it; of these SlackUnavailableError if it does not answer."""
    try:
        place = await sender.files_getUploadURLExternal(filename=name, length=len(data), alt_txt=alt_text)
        if not await sender.put_file(str(place["upload_url"]), data):
            raise _refused()
        await sender.files_completeUploadExternal(
            files=[{"id": str(place["file_id"]), "title": title}], channel_id=channel, thread_ts=thread_ts
        )
    except SlackApiError as error:
        raise _refused() from error


def _refused() -> UnavailableError:
    return UnavailableError("Slack did not take the file. Please try again in a minute.")
