"""`/prime users @person ROLE for DURATION`, as Slack delivers it."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.grammar import UsersCommand, parse_users
from core.access.model import Role
from core.errors import InvalidInputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", UsersCommand()),
        ("<@U123>", UsersCommand(user="U123")),
        ("<@U123|nils> READ", UsersCommand(user="U123", role=Role.READ)),
        ("<@W123> read_write for 30d", UsersCommand(user="W123", role=Role.READ_WRITE, duration=timedelta(days=30))),
        ("<@U1>  ADMIN  for  30 days", UsersCommand(user="U1", role=Role.ADMIN, duration=timedelta(days=30))),
        ("<@U1> read-write for 5s", UsersCommand(user="U1", role=Role.READ_WRITE, duration=timedelta(seconds=5))),
        ("<@U1> remove", UsersCommand(user="U1", role=Role.NONE)),
        ("<@U1> NONE", UsersCommand(user="U1", role=Role.NONE)),
    ],
)
def test_reads_both_mention_forms_and_every_duration(text: str, expected: UsersCommand) -> None:
    assert parse_users(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "nils READ",
        "@nils READ",
        "<#C123|general> READ",
        "<@U1> owner",
        "<@U1> READ 30d",
        "<@U1> READ for",
        "<@U1> READ for ever",
        "<@U1> remove for 3d",
        "<@U1><@U2> READ",
    ],
)
def test_refuses_the_rest_and_says_what_to_write(text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"Write|such as|READ"):
        parse_users(text)


@given(st.text() | st.from_regex(r"<@U[0-9]{1,4}(\|\w*)?> ?\w* ?for ?\w*", fullmatch=True))
def test_never_fails_in_another_way(text: str) -> None:
    with suppress(InvalidInputError):
        command = parse_users(text)
        assert command.role is None or command.user is not None
        assert command.duration is None or command.role not in (None, Role.NONE)
