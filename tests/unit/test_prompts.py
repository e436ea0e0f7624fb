"""What a model is asked, from what somebody said in Slack."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Said
from bot.mrkdwn import escape
from bot.prompt_files import FILE_BYTES, read_files
from bot.prompts import read_prompt, typed_text
from core.people.model import PersonId
from core.talk.model import Attachment, PromptRequest

BOT = "U0PRIME"
RITA = PersonId("T1", "U0RITA")


def read(text: str, *, is_direct: bool = False, thread_ts: str = "2.0") -> PromptRequest:
    said = Said(team="T1", channel="C1", is_direct=is_direct, ts="2.0", thread_ts=thread_ts, user=RITA.user, text=text)
    return read_prompt(said, bot_user=BOT, author=RITA, author_name="rita")


@pytest.mark.parametrize(
    "text",
    [
        "<@U0PRIME> what is a llama?",
        "<@U0PRIME|prime> what is a llama?",
        " <@U0PRIME>: what is a llama? ",
        "<@U0PRIME>, what is a llama?",
        "<@U0PRIME>\nwhat is a llama?",
    ],
)
def test_the_leading_mention_is_no_part_of_the_question(text: str) -> None:
    request = read(text)
    assert request.text == "what is a llama?"
    assert request.is_addressed
    assert not request.to_somebody_else


def test_a_mention_further_on_addresses_prime_too_and_stays() -> None:
    request = read("what is a llama, <@U0PRIME>?")
    assert request.text == "what is a llama, <@U0PRIME>?"
    assert request.is_addressed


def test_a_direct_message_is_addressed_without_a_mention() -> None:
    assert read("what is a llama?", is_direct=True).is_addressed
    assert not read("what is a llama?").is_addressed


@pytest.mark.parametrize("text", ["<@U0NILS> look at this", " <@U0NILS|nils> look", "<!subteam^S1|@team> look"])
def test_what_begins_with_somebody_else_is_to_them(text: str) -> None:
    assert read(text).to_somebody_else
    assert not read(f"<@U0PRIME> {text}").to_somebody_else


@pytest.mark.parametrize("text", ["on llama: hello", "On Llama : hello", "<@U0PRIME> on llama: hello"])
def test_a_server_can_be_named_in_front(text: str) -> None:
    request = read(text, is_direct=True)
    assert (request.server_name, request.text) == ("llama", "hello")


def test_no_server_is_read_from_what_people_say_to_each_other() -> None:
    request = read("on monday: we meet", thread_ts="1.0")
    assert (request.server_name, request.text) == ("", "on monday: we meet")
    assert request.in_thread


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("<https://example.com>", "https://example.com"),
        ("<http://example.com|example.com>", "example.com"),
        ("<https://example.com/a?b=1&amp;c=2>", "https://example.com/a?b=1&c=2"),
        ("<https://example.com/a|the docs>", "the docs (https://example.com/a)"),
        ("<mailto:a@b.org|a@b.org>", "a@b.org"),
        ("<mailto:a@b.org>", "a@b.org"),
        ("<tel:+4930123|+49 30 123>", "+49 30 123"),
        ("<#C123|general>", "#general"),
        ("<#C123|>", "#C123"),
        ("<!here>", "@here"),
        ("<!channel|channel>", "@channel"),
        ("<!subteam^S1|@team>", "@team"),
        ("<!date^1700000000^{date}|14 Nov>", "14 Nov"),
        ("<@U0NILS> and <@U0NILS|nils>", "<@U0NILS> and <@U0NILS>"),
        ("a &lt; b &amp;&amp; c &gt; d &amp;lt;", "a < b && c > d &lt;"),
    ],
)
def test_slacks_forms_become_what_was_typed(text: str, typed: str) -> None:
    assert typed_text(text) == typed


@given(st.text())
def test_whatever_somebody_types_reaches_the_model_as_it_was(text: str) -> None:
    assert typed_text(escape(text)) == text


# --- files


class Slack:
    """Hands out what it was given, by URL."""

    def __init__(self, **contents: bytes) -> None:
        self.contents = contents
        self.asked: list[str] = []

    async def get_file(self, url: str, *, mimetype: str, most_bytes: int) -> bytes | None:
        self.asked.append(url)
        data = self.contents[url]
        return data if len(data) <= most_bytes else None

    async def files_info(self, *, file: str) -> dict[str, Any]:
        return {"file": shared("notes.txt", file)}


def shared(name: str, url: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "mimetype": "text/plain", "filetype": "text", "size": 5, "url_private": url, **fields}


async def reading(slack: Slack, *files: dict[str, Any]) -> tuple[list[Attachment], list[str]]:
    read = await read_files(slack, files)  # pyright: ignore[reportArgumentType]
    return list(read.attachments), list(read.problems)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
async def test_a_text_file_is_read_whatever_wrote_it(encoding: str) -> None:
    found, problems = await reading(Slack(u="häl\r\nlo".encode(encoding)), shared("a.txt", "u"))
    assert found == [Attachment(name="a.txt", text="häl\r\nlo")]
    assert not problems


async def test_code_is_text_though_its_type_says_otherwise() -> None:
    found, _ = await reading(Slack(u=b"let a"), shared("a.ts", "u", mimetype="video/mp2t", filetype="typescript"))
    assert [one.text for one in found] == ["let a"]


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (shared("cat.png", "u", mimetype="image/png", filetype="png"), "text files only"),
        (shared("a.txt", "u", size=FILE_BYTES + 1), "up to 100 kB"),
        (shared("a.txt", "u"), "could not be read as text"),
    ],
)
async def test_what_cannot_be_read_is_said_and_the_rest_goes_on(file: dict[str, Any], sentence: str) -> None:
    slack = Slack(u=b"\xff\x00\x81", v=b"hello")
    found, problems = await reading(slack, file, shared("b.txt", "v"))
    assert [one.text for one in found] == ["hello"]
    assert len(problems) == 1
    assert sentence in problems[0]


async def test_a_file_that_is_larger_than_it_says_is_left_out() -> None:
    found, problems = await reading(Slack(u=b"x" * (FILE_BYTES + 1)), shared("a.txt", "u"))
    assert not found
    assert problems


async def test_a_file_of_another_workspace_is_asked_for_first() -> None:
    slack = Slack(F1=b"hello")
    found, _ = await reading(slack, {"id": "F1", "file_access": "check_file_info"})
    assert [one.text for one in found] == ["hello"]


async def test_a_files_name_is_no_markup() -> None:
    _, [problem] = await reading(Slack(), shared("<!channel>`.png", "u", mimetype="image/png", filetype="png"))
    assert "<!channel>" not in problem
