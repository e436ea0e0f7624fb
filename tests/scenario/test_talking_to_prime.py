"""People write to Prime and press its buttons. What comes of a question: test_talk.py."""

from lab.slack.driver import Person
from lab.slack.screen import words
from lab.slack.server import SlackLab
from tests.prime import Database, Prime, eventually

HELLO = "Hello! I am Prime"
REFUSED = "That needs the role READ"


async def test_a_mention_without_a_question_is_told_what_there_is(olivia: Person, prime: Prime) -> None:
    ts = await olivia.says("#general", "@Prime")
    assert (await olivia.sees(HELLO))["ephemeral"]
    assert len(await olivia.messages("#general", thread_ts=ts)) == 1


async def test_an_event_that_nobody_handles_is_acknowledged(nils: Person, prime: Prime, lab: SlackLab) -> None:
    await nils.says("app", "good morning")
    await nils.sees(REFUSED, channel="app")  # and Prime's own answer comes as an event, too
    await eventually(lambda: all(one.acked_at for one in lab.record.deliveries))
    assert not [one for one in lab.record.deliveries if one.failure]


async def test_the_help_button_answers_the_presser_alone(olivia: Person, prime: Prime, lab: SlackLab) -> None:
    await olivia.says("#general", "@Prime")
    await olivia.sees(HELLO)
    await olivia.presses("Help", in_message=HELLO)
    assert (await olivia.sees("What you can do with Prime"))["ephemeral"]
    async with Person(lab.url, "U0BEA") as bea:
        assert "What you can do" not in "".join(words(one) for one in await bea.messages("#general"))


async def test_a_button_of_an_older_prime_says_so(nils: Person, prime: Prime, lab: SlackLab) -> None:
    old = {"type": "button", "action_id": "gone.since.long", "text": {"type": "plain_text", "text": "Old"}}
    channel = lab.workspace.channel(nils.channel("#general"), seen_by=nils.id)
    message = {"text": "old", "blocks": [{"type": "actions", "block_id": "b", "elements": [old]}]}
    lab.workspace.post(channel, lab.platform.app.authorship() | message)
    await nils.sees("Old")
    assert (await nils.presses("Old"))["ok"]
    assert (await nils.sees("does not know this any more"))["ephemeral"]


class TestWithTheDatabaseAway:
    async def test_an_event_is_delivered_again_and_answered_once(
        self, nils: Person, prime: Prime, lab: SlackLab, database: Database
    ) -> None:
        database.lock_out(away=True)
        await nils.says("#general", "@Prime good morning")
        await eventually(lambda: lab.record.delivered("app_mention"))
        assert (await prime.readiness())[1] == ["The database does not answer."]
        lab.clock.jump(4)  # Slack has waited long enough for the first acknowledgement, and for that of its retry
        await eventually(lambda: len(lab.record.delivered("app_mention")) == 2)
        lab.clock.jump(4)
        await eventually(lambda: lab.record.delivered("app_mention")[-1].failure)
        assert not lab.record.called("chat.postEphemeral")
        database.lock_out(away=False)
        lab.clock.jump(60)
        await nils.sees(REFUSED)
        await eventually(prime.is_ready)
        await eventually(lambda: all(one.acked_at or one.failure for one in lab.record.deliveries))
        assert len(lab.record.called("chat.postEphemeral")) == 1

    async def test_a_command_is_answered(self, nils: Person, prime: Prime, database: Database) -> None:
        database.lock_out(away=True)
        assert (await nils.types("/prime help", channel="#random"))["ok"]
        assert (await nils.sees(lambda shown: "ephemeral" in shown, channel="#random"))["text"]
        database.lock_out(away=False)

    async def test_a_press_that_could_not_be_stored_says_so(
        self, olivia: Person, prime: Prime, database: Database
    ) -> None:
        await olivia.says("#general", "@Prime")
        await olivia.sees(HELLO)
        database.lock_out(away=True)
        assert (await olivia.presses("Help", in_message=HELLO))["ok"]
        assert (await olivia.sees("database is not answering"))["ephemeral"]
        database.lock_out(away=False)
