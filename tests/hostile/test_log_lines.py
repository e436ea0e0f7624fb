"""A line of the log stays one, and holds nothing that a terminal obeys, whatever stands in a name."""

import io
from contextlib import redirect_stdout

import pytest
import structlog
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.settings import LogFormat
from tests.prime import logging_as_in_prime
from tests.profiles import cases


@pytest.mark.parametrize("form", list(LogFormat))
@settings(**cases(short=100, long=20_000))
@given(st.text(max_size=40))
@example('name\n{"event": "role_granted", "level": "info"}')
@example("\x1b[2K\x1b[1Agone")
@example("a\u2028b\u0085c\r")
def test_whatever_is_told_stays_in_its_line(form: LogFormat, told: str) -> None:
    out = io.StringIO()
    with redirect_stdout(out), logging_as_in_prime(form=form):
        structlog.get_logger().warning("server_lost", server=told)
    written = out.getvalue()
    assert written.endswith("\n")
    assert written[:-1].isprintable()
    assert len(written.splitlines()) == 1
