"""Files: announced, uploaded, shared, read with a bearer token."""

import mimetypes
import secrets
from dataclasses import dataclass, field
from typing import Any

from lab.clock import LabClock
from lab.slack.channels import Channel, Kind
from lab.slack.errors import SlackError
from lab.slack.people import APP_USER_ID


@dataclass(slots=True, kw_only=True, eq=False)
class File:
    id: str
    name: str
    owner: str
    size: int
    created: int
    title: str = ""
    alt_text: str = ""
    content: bytes | None = None
    """None until it is uploaded."""
    shared_in: list[Channel] = field(default_factory=list)
    complete: bool = False
    given_to_app: bool = False
    """By a form that was submitted."""


class Files:
    def __init__(self, clock: LabClock) -> None:
        self._clock = clock
        self._files: dict[str, File] = {}
        self._uploads: dict[str, File] = {}
        self.base = ""
        """The lab's own URL, known once it listens."""

    def announce(self, name: str, size: int, *, owner: str) -> tuple[File, str]:
        """A file to come, and the URL to upload it to."""
        file = File(
            id=f"F0{secrets.token_hex(5).upper()}",
            name=name,
            title=name,
            owner=owner,
            size=size,
            created=int(self._clock.time()),
        )
        token = secrets.token_urlsafe(16)
        self._files[file.id] = file
        self._uploads[token] = file
        return file, f"{self.base}/files/upload/{token}"

    def receive(self, token: str, content: bytes) -> File:
        file = self._uploads.get(token)
        if file is None or file.content is not None:
            raise SlackError("file_not_found")
        if len(content) != file.size:
            raise SlackError("file_size_mismatch")
        file.content = content
        return file

    def add(self, name: str, content: bytes, *, owner: str) -> File:
        """A person's file, whole."""
        file, _ = self.announce(name, len(content), owner=owner)
        file.content, file.complete = content, True
        return file

    def get(self, file_id: str) -> File:
        file = self._files.get(file_id)
        if file is None or file.content is None:
            raise SlackError("file_not_found", "There is no such file.")
        return file

    def seen_by_app(self, file_id: str) -> File:
        """A file of its own, one that is shared where the app is, or one that it was given in a form."""
        file = self.get(file_id)
        is_given = file.owner == APP_USER_ID or file.given_to_app
        if not is_given and not any(APP_USER_ID in channel.members for channel in file.shared_in):
            raise SlackError("file_not_found")
        return file

    def give_to_app(self, user: str, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What somebody uploaded into a form, as the app gets to know of it."""
        given = [self.get(str(file.get("id"))) for file in files]
        if any(file.owner != user for file in given):
            raise SlackError("file_not_found", "There is no such file.")
        for file in given:
            file.given_to_app = True
        return [self.shape(file) for file in given]

    def shape(self, file: File) -> dict[str, Any]:
        """The file in the shape of Slack's file object."""
        extension = file.name.rpartition(".")[2].lower() if "." in file.name else "text"
        return {
            "id": file.id,
            "created": file.created,
            "timestamp": file.created,
            "name": file.name,
            "title": file.title or file.name,
            **({"alt_txt": file.alt_text} if file.alt_text else {}),
            "mimetype": mimetypes.guess_type(file.name)[0] or "text/plain",
            "filetype": extension,
            "pretty_type": extension.upper(),
            "user": file.owner,
            "user_team": "T0ACME",
            "editable": False,
            "size": file.size,
            "mode": "hosted",
            "is_external": False,
            "is_public": any(channel.kind is Kind.CHANNEL for channel in file.shared_in),
            "file_access": "visible",
            "url_private": f"{self.base}/files/{file.id}/{file.name}",
            "url_private_download": f"{self.base}/files/{file.id}/download/{file.name}",
            "permalink": f"{self.base}/files/{file.id}",
            "channels": [channel.id for channel in file.shared_in if channel.kind is Kind.CHANNEL],
            "groups": [channel.id for channel in file.shared_in if channel.kind is Kind.PRIVATE],
            "ims": [channel.id for channel in file.shared_in if channel.is_direct],
        }


def as_seen_from_outside(file: dict[str, Any]) -> dict[str, Any]:
    """A file in an event of a Slack Connect channel: only its id; the rest is for files.info to tell."""
    return {"id": file["id"], "mode": "file_access", "file_access": "check_file_info"}
