"""`/prime` and what may follow it."""

import pytest

from bot.listeners.commands.subcommands import SUBCOMMANDS, Call, Subcommand
from core.errors import AccessDeniedError
from lab.slack.driver import Person
from lab.slack.screen import words
from tests.prime import Prime, logging_as_in_prime

TYPED = "kumquat"


@pytest.mark.parametrize("channel", ["#general", "#random", "app"])
async def test_prime_alone_shows_a_menu_to_the_caller_wherever_they_are(
    nils: Person, prime: Prime, channel: str
) -> None:
    assert (await nils.types("/prime", channel=channel))["ok"]
    menu = await nils.sees("runs your team's own language models", channel=channel)
    assert menu["ephemeral"]
    assert "/prime help" in words(menu)
    assert (await nils.presses("Help", in_message=menu["ts"]))["ok"]
    await nils.sees("What you can do with Prime", channel=channel)


@pytest.mark.parametrize("line", ["/prime help", "/prime HELP", "/prime  help "])
async def test_help_shows_an_admin_every_command(olivia: Person, prime: Prime, line: str) -> None:
    await olivia.types(line, channel="#random")
    shown = words(await olivia.sees("What you can do with Prime"))
    assert all(f"/prime {name}" in shown for name in SUBCOMMANDS)


async def test_help_for_one_command_shows_examples(nils: Person, prime: Prime) -> None:
    await nils.types("/prime help help", channel="#random")
    assert SUBCOMMANDS["help"].examples[1] in words(await nils.sees(SUBCOMMANDS["help"].summary))


@pytest.mark.parametrize("line", ["/prime hlep", "/prime help hlep"])
async def test_an_unknown_word_gets_the_closest_command(nils: Person, prime: Prime, line: str) -> None:
    await nils.types(line, channel="#random")
    await nils.sees("Did you mean `/prime help`?")


async def test_a_word_like_nothing_gets_a_suggestion_too(nils: Person, prime: Prime) -> None:
    await nils.types("/prime kumquat now", channel="#random")
    await nils.sees("Did you mean `/prime ")


async def test_typed_words_come_back_harmless(nils: Person, prime: Prime) -> None:
    await nils.types("/prime <!channel>`*boo* &", channel="#random")
    shown = words(await nils.sees("Did you mean"))
    assert "<!channel>" not in shown
    assert "&lt;!channel&gt;'*boo*" in shown


class TestWhenASubcommandFails:
    @pytest.fixture(autouse=True)
    def failing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def explode(call: Call) -> None:
            raise ValueError(f"{TYPED} {call.arguments}")

        async def refuse(call: Call) -> None:
            raise AccessDeniedError("This needs the role ADMIN.")

        for name, handler in (("explode", explode), ("refuse", refuse)):
            failing = Subcommand(name=name, usage="", summary="fails", handler=handler)
            monkeypatch.setitem(SUBCOMMANDS, name, failing)

    async def test_a_known_error_is_its_own_sentence(self, nils: Person, prime: Prime) -> None:
        assert (await nils.types("/prime refuse", channel="#random"))["ok"]
        assert (await nils.sees("This needs the role ADMIN."))["ephemeral"]

    async def test_an_unknown_one_is_a_reference_that_is_also_in_the_log(
        self, nils: Person, prime: Prime, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with logging_as_in_prime():
            await self._explodes(nils, capsys)

    async def _explodes(self, nils: Person, capsys: pytest.CaptureFixture[str]) -> None:
        assert (await nils.types(f"/prime explode {TYPED}", channel="#random"))["ok"]
        sentence = words(await nils.sees("Something went wrong on Prime's side"))
        reference = sentence.partition("reference ")[2][:6]
        logged = capsys.readouterr().out
        assert f'"reference": "{reference}"' in logged
        assert "ValueError" in logged
        assert TYPED not in logged
        assert TYPED not in sentence
