"""The Web API, a file for each family of methods. Importing this registers them all."""

from lab.slack.web_api import auth, chat, chat_streams, conversations, files, usergroups, users, views

__all__ = ["auth", "chat", "chat_streams", "conversations", "files", "usergroups", "users", "views"]
