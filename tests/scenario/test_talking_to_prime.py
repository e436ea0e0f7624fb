"""People write to Prime and press its buttons."""

from pathlib import Path

import yaml

from lab.slack.driver import Person
from lab.slack.faults import FaultName
from lab.slack.screen import words
from lab.slack.server import SlackLab
from tests.prime import ROOT, Database, Prime, StartPrime, eventually

HELLO = "Hello! I am Prime"


async def answers(person: Person, channel: str, ts: str) -> list[str]:
    """The texts in the thread of a message, without the message itself."""
    return [words(one) for one in (await person.messages(channel, thread_ts=ts))[1:]]


async def test_a_mention_is_answered_in_its_thread(nils: Person, prime: Prime) -> None:
    ts = await nils.says("#general", "@Prime good morning")
    await nils.sees(HELLO)
    assert len(await answers(nils, "#general", ts)) == 1


async def test_a_direct_message_is_answered_in_its_thread(nils: Person, prime: Prime) -> None:
    ts = await nils.says("app", "good morning")
    await nils.sees(HELLO, channel="app")
    assert len(await answers(nils, "app", ts)) == 1


async def test_what_slack_delivers_twice_is_answered_once(nils: Person, prime: Prime, lab: SlackLab) -> None:
    lab.faults.switch(FaultName.DUPLICATE_EVENTS)
    ts = await nils.says("#general", "@Prime good morning")
    await nils.sees(HELLO)
    await eventually(lambda: all(one.acked_at for one in lab.record.delivered("app_mention")))
    assert len(lab.record.delivered("app_mention")) == 2
    assert len(await answers(nils, "#general", ts)) == 1


async def test_a_mention_that_comes_as_a_message_too_is_answered_once(
    start_prime: StartPrime, lab: SlackLab, tmp_path: Path
) -> None:
    manifest = yaml.safe_load((ROOT / "app.yaml").read_text())
    manifest["settings"]["event_subscriptions"]["bot_events"].append("message.channels")
    manifest["oauth_config"]["scopes"]["bot"].append("channels:history")
    (tmp_path / "app.yaml").write_text(yaml.safe_dump(manifest))
    reading = SlackLab(tmp_path / "app.yaml", seed=1)
    await reading.start()
    try:
        async with start_prime(slack_api_url=reading.api_url), Person(reading.url, "U0NILS") as nils:
            await nils.says("#general", "this is between you and me")
            for number in range(4):
                ts = await nils.says("#general", f"@Prime good morning {number}")
                await eventually(lambda: len(reading.record.called("chat.postMessage")) > number)  # noqa: B023
                assert len(await answers(nils, "#general", ts)) == 1
            names = [one.name for one in reading.record.deliveries]
            assert names.count("app_mention") == 4
            assert names.count("message") >= 5
    finally:
        await reading.stop()


async def test_an_event_that_nobody_handles_is_acknowledged(nils: Person, prime: Prime, lab: SlackLab) -> None:
    await nils.says("app", "good morning")
    await nils.sees(HELLO, channel="app")  # and Prime's own answer comes as an event, too
    await eventually(lambda: all(one.acked_at for one in lab.record.deliveries))
    assert not [one for one in lab.record.deliveries if one.failure]


async def test_the_help_button_answers_the_presser_alone(nils: Person, prime: Prime, lab: SlackLab) -> None:
    async with Person(lab.url, "U0BEA") as bea:
        await nils.says("#general", "@Prime good morning")
        await bea.sees(HELLO)
        await bea.presses("Help", in_message=HELLO)
        shown = await bea.sees("What you can do with Prime")
    assert shown["ephemeral"]
    assert "What you can do" not in "".join(words(one) for one in await nils.messages("#general"))


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
        ts = await nils.says("#general", "@Prime good morning")
        await eventually(lambda: lab.record.delivered("app_mention"))
        assert (await prime.readiness())[1] == ["The database does not answer."]
        lab.clock.jump(4)  # Slack has waited long enough for the first acknowledgement, and for that of its retry
        await eventually(lambda: len(lab.record.delivered("app_mention")) == 2)
        lab.clock.jump(4)
        await eventually(lambda: lab.record.delivered("app_mention")[-1].failure)
        assert not await answers(nils, "#general", ts)
        database.lock_out(away=False)
        lab.clock.jump(60)
        await nils.sees(HELLO)
        assert len(await answers(nils, "#general", ts)) == 1
        await eventually(prime.is_ready)

    async def test_a_command_is_answered(self, nils: Person, prime: Prime, database: Database) -> None:
        database.lock_out(away=True)
        assert (await nils.types("/prime help", channel="#random"))["ok"]
        assert (await nils.sees(lambda shown: "ephemeral" in shown, channel="#random"))["text"]
        database.lock_out(away=False)

    async def test_a_press_that_could_not_be_stored_says_so(
        self, nils: Person, prime: Prime, database: Database
    ) -> None:
        await nils.says("#general", "@Prime good morning")
        await nils.sees(HELLO)
        database.lock_out(away=True)
        assert (await nils.presses("Help", in_message=HELLO))["ok"]
        assert (await nils.sees("database is not answering"))["ephemeral"]
        database.lock_out(away=False)
