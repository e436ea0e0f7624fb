"""What the page is shown of people, channels and the app."""

from typing import Any

from lab.slack.app import APP_ID
from lab.slack.channels import Channel, Kind, Message
from lab.slack.people import APP_USER_ID, Group, Person
from lab.slack.platform import Platform
from lab.slack.workspace import Workspace

Json = dict[str, Any]


def person(person: Person) -> Json:
    return {
        "id": person.id,
        "real_name": person.real_name,
        "display_name": person.display_name,
        "kind": person.kind,
        "title": person.title,
        "color": f"#{person.color}",
        "initials": person.initials,
        "deleted": person.deleted,
        "is_bot": person.is_bot,
    }


def channel(workspace: Workspace, channel: Channel, *, seen_by: str) -> Json:
    unread, mentions = workspace.unread(seen_by, channel)
    shape: Json = {
        "id": channel.id,
        "name": channel.name,
        "kind": "app" if channel.with_app else channel.kind.value,
        "is_member": seen_by in channel.members,
        "topic": channel.topic,
        "unread": unread,
        "mentions": mentions,
        "members": len(channel.members),
        "has_app": APP_USER_ID in channel.members,
    }
    if channel.kind is Kind.IM:
        shape["user"] = channel.other_than(seen_by)
    return shape


def message(channel: Channel, message: Message) -> Json:
    shape = {**channel.with_reply_facts(message), "channel": channel.id}
    if message.get("is_ephemeral"):
        shape["ephemeral"] = True
    if message.get("subtype") == "tombstone":
        shape["tombstone"] = True
    return shape


def group(group: Group) -> Json:
    return {"id": group.id, "handle": group.handle, "name": group.name, "users": list(group.users)}


def app(platform: Platform) -> Json:
    manifest = platform.app.manifest
    shortcuts = [
        (entry.type, {"name": entry.name, "callback_id": entry.callback_id, "description": entry.description})
        for entry in manifest.shortcuts
    ]
    return {
        "id": APP_ID,
        "name": manifest.name,
        "bot_user_id": APP_USER_ID,
        "description": manifest.description,
        "commands": [
            {"command": entry.command, "description": entry.description, "usage_hint": entry.usage_hint}
            for entry in manifest.commands
        ],
        "global_shortcuts": [shape for kind, shape in shortcuts if kind == "global"],
        "message_shortcuts": [shape for kind, shape in shortcuts if kind == "message"],
        "home_enabled": manifest.home_tab_enabled,
        "messages_enabled": manifest.messages_tab_enabled,
        "connected": platform.deliveries.transport.connected,
    }
