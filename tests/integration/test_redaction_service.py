"""What holds where somebody talks, and who may change it, on real Postgres."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.access.model import Principal, Role
from core.errors import AccessDeniedError, ConflictError, InvalidInputError, NotFoundError
from core.jobs.forget_conversations import forget_conversations
from core.notices import Notice
from core.people.model import PersonId, Standing
from core.posted import PostedAt
from core.redaction.lexicon import digest
from core.redaction.model import Disposition, EntityType
from core.redaction.policy import ChannelPolicy, default_policy
from core.redaction.service import MEMBERS_TOLD, RETENTION_DAYS, Redaction
from core.redaction.terms import MOST_TERMS, checked_terms
from core.talk.model import NewTurn, Thread, TurnKind, TurnState
from db.storage import PostgresStorage
from tests.access import ADA, BEA, NILS, OLE, TEAM, TIM, World
from tests.clock import ManualClock

CHANNEL, DIRECT = "C1", "D1"
EMAIL, PERSON, SECRET, TERM = EntityType.EMAIL, EntityType.PERSON, EntityType.SECRET, EntityType.TERM
PASS, REDACT, BLOCK = Disposition.PASSTHROUGH, Disposition.REDACT, Disposition.BLOCK
BOT = PersonId(TEAM, "UBOT")


@pytest.fixture
async def world(storage: PostgresStorage, clock: ManualClock) -> World:
    """ADA is ADMIN, BEA may READ_WRITE, TIM may READ, OLE nothing."""
    world = World(storage, clock)
    world.slack.standing[BOT] = Standing.BOT
    await world.settle(ADA)
    await world.give(BEA, Role.READ_WRITE)
    await world.give(TIM, Role.READ)
    world.channels.people[CHANNEL] = [ADA, BEA, BOT]
    return world


def redaction_of(world: World) -> Redaction:
    return world.services.redaction


async def rename(world: World, person: PersonId, name: str, real_name: str) -> None:
    user = {
        "id": person.user,
        "team_id": TEAM,
        "profile": {"display_name": name, "real_name": real_name},
        "deleted": False,
        "is_bot": person == BOT,
        "is_restricted": False,
        "is_ultra_restricted": False,
    }
    await world.people.take_in(user)


class TestWhatHolds:
    async def test_are_the_whole_names_of_all_and_every_name_of_those_present(self, world: World) -> None:
        await rename(world, ADA, "ada", "Ada King Lovelace")
        await rename(world, TIM, "tim", "Tim Berners-Lee")
        await rename(world, OLE, "Ole", "")
        await rename(world, BOT, "Prime", "Prime")
        lexicon = (await redaction_of(world).rules(CHANNEL, mentioned=[OLE.user])).lexicon

        assert set(lexicon.people) == {"Ada King Lovelace", "Tim Berners-Lee"}
        assert set(lexicon.present) == {"ada", "Ada King Lovelace", "UBEA", "Ole"}, "a bot's name is no person's"

    async def test_in_a_direct_message_and_where_slack_is_away_only_who_is_mentioned_is_near(
        self, world: World
    ) -> None:
        assert (await redaction_of(world).rules(DIRECT, mentioned=[ADA.user])).lexicon.present == ["UADA"]
        world.channels.away = True
        rules = await redaction_of(world).rules(CHANNEL, mentioned=[TIM.user])
        assert rules.lexicon.present == ["UTIM"]
        assert rules.policy == default_policy()

    async def test_learns_a_name_within_a_minute(self, world: World, clock: ManualClock) -> None:
        await redaction_of(world).rules(CHANNEL)
        await rename(world, NILS, "nils", "Nils Newcomer")
        await clock.advance(61)
        assert "Nils Newcomer" in (await redaction_of(world).rules(CHANNEL)).lexicon.people

    async def test_changes_for_the_next_prompt_of_every_replica(self, world: World, clock: ManualClock) -> None:
        other = World(world.storage, clock)
        other.channels = world.channels
        await redaction_of(other).rules(CHANNEL)
        admin = await world.acting(ADA)
        await redaction_of(world).change(admin, {EMAIL: BLOCK}, retention_days=RETENTION_DAYS)
        await redaction_of(world).change_channel(admin, CHANNEL, {PERSON: PASS}, sign=True)
        await redaction_of(world).add_terms(admin, "Project Zebra", TERM)
        await redaction_of(world).add_terms(admin, "Grace", None)

        rules = await redaction_of(other).rules(CHANNEL)
        assert (rules.policy.of(EMAIL), rules.policy.of(PERSON)) == (BLOCK, PASS)
        assert (await redaction_of(other).rules("C2")).policy.of(PERSON) is REDACT
        assert rules.lexicon.denied == {digest("project  ZEBRA", key=rules.lexicon.key): TERM}
        assert rules.lexicon.allows("grace")

        assert await redaction_of(world).remove_terms(admin, ["GRACE"])
        assert not (await redaction_of(other).rules(CHANNEL)).lexicon.allows("grace")


class TestOutsiders:
    @pytest.mark.parametrize(
        ("standing", "are_there"),
        [
            (Standing.MEMBER, False),
            (Standing.BOT, False),
            (Standing.GUEST, True),
            (Standing.STRANGER, True),
            (Standing.UNKNOWN, True),
        ],
    )
    async def test_are_whoever_is_no_member(self, world: World, standing: Standing, are_there: bool) -> None:
        world.slack.standing[TIM] = standing
        await world.people.sync()
        assert not await redaction_of(world).has_outsiders(CHANNEL)
        world.channels.people[CHANNEL] = [ADA, TIM]
        assert await redaction_of(world).has_outsiders(CHANNEL) is are_there

    async def test_are_taken_for_there_where_nobody_knows(self, world: World) -> None:
        world.channels.people["C2"] = [ADA, PersonId(TEAM, "UNEW")]
        assert await redaction_of(world).has_outsiders("C2"), "somebody whom Prime does not know"
        world.channels.people["C3"] = [ADA] * MEMBERS_TOLD
        assert not await redaction_of(world).has_outsiders("C3"), "they are one"
        world.channels.shared.add("C3")
        assert await redaction_of(world).has_outsiders("C3")
        world.channels.away = True
        assert await redaction_of(world).has_outsiders(CHANNEL)
        assert not await redaction_of(world).has_outsiders(DIRECT)

    async def test_are_taken_for_there_where_there_are_more_people_than_slack_tells_at_once(self, world: World) -> None:
        many = [PersonId(TEAM, f"U{number}") for number in range(MEMBERS_TOLD)]
        world.slack.standing.update(dict.fromkeys(many, Standing.MEMBER))
        await world.people.sync()
        world.channels.people["C4"] = many[1:]
        assert not await redaction_of(world).has_outsiders("C4")
        world.channels.people["C4"] = many
        assert await redaction_of(world).has_outsiders("C4")


class TestThePolicy:
    async def test_is_shown_to_who_may_read(self, world: World) -> None:
        admin = await world.acting(ADA)
        await redaction_of(world).change(admin, {EMAIL: BLOCK}, retention_days=30)
        await redaction_of(world).change_channel(admin, CHANNEL, {PERSON: BLOCK}, sign=False)
        await redaction_of(world).add_terms(admin, "Acme Rocket\nBolt & Sons\n# a comment\n\nAcme  Rocket", TERM)
        overview = await redaction_of(world).overview(await world.acting(TIM))

        assert overview.policy == default_policy().changed({EMAIL: BLOCK})
        assert overview.channels == {CHANNEL: ChannelPolicy(changes={PERSON: BLOCK}, is_signed=False)}
        assert (overview.retention_days, overview.terms) == (30, {TERM: 2})
        with pytest.raises(AccessDeniedError):
            await redaction_of(world).overview(await world.acting(OLE))

    async def test_is_changed_by_admins_and_each_change_is_audited(self, world: World) -> None:
        admin = await world.acting(ADA)
        for actor in (TIM, BEA):
            with pytest.raises(AccessDeniedError):
                await redaction_of(world).change(await world.acting(actor), {EMAIL: PASS}, retention_days=90)
        await redaction_of(world).change(admin, {EMAIL: PASS}, retention_days=90)
        await redaction_of(world).change(admin, {EMAIL: PASS}, retention_days=90)
        await redaction_of(world).change(admin, {}, retention_days=7)

        first, second = [entry for entry in await world.audited() if entry.action == "redaction.policy.change"]
        assert (first.actor, first.detail) == (str(ADA), {"EMAIL": "redact -> passthrough"})
        assert second.detail == {"retention_days": 7}
        overview = await redaction_of(world).overview(admin)
        assert (overview.policy.of(EMAIL), overview.retention_days) == (PASS, 7)

    async def test_follows_the_default_again_where_it_is_set_back(self, world: World) -> None:
        admin = await world.acting(ADA)
        await redaction_of(world).change(admin, {EMAIL: PASS}, retention_days=90)
        await redaction_of(world).change(admin, default_policy().dispositions, retention_days=90)
        async with world.storage.transaction() as stores:
            assert await stores.redaction.changes() == {}

    @pytest.mark.parametrize("days", [-1, 0, 3651, 10**9])
    async def test_takes_no_senseless_time(self, world: World, days: int) -> None:
        with pytest.raises(InvalidInputError) as raised:
            await redaction_of(world).change(await world.acting(ADA), {}, retention_days=days)
        assert raised.value.field == "retention_days"

    async def test_is_not_changed_by_somebody_who_lost_the_role_meanwhile(self, world: World) -> None:
        stale = Principal(person=BEA, role=Role.ADMIN)
        redaction = redaction_of(world)
        with pytest.raises(AccessDeniedError):
            await redaction.change(stale, {EMAIL: PASS}, retention_days=90)
        with pytest.raises(AccessDeniedError):
            await redaction.add_terms(stale, "Acme Rocket", TERM)
        with pytest.raises(AccessDeniedError):
            await redaction.remove_terms(stale, ["Acme Rocket"])
        with pytest.raises(AccessDeniedError):
            await redaction.change_channel(stale, CHANNEL, {EMAIL: PASS}, sign=True)
        assert not [action for action in await world.actions() if action.startswith("redaction.")]


class TestAChannel:
    async def test_is_made_stricter_by_who_may_read_and_write(self, world: World) -> None:
        builder = await world.acting(BEA)
        await redaction_of(world).change_channel(builder, CHANNEL, {EMAIL: BLOCK}, sign=False)
        assert (await redaction_of(world).rules(CHANNEL)).policy.of(EMAIL) is BLOCK
        with pytest.raises(AccessDeniedError):
            await redaction_of(world).change_channel(await world.acting(TIM), CHANNEL, {PERSON: BLOCK}, sign=False)

    async def test_is_made_laxer_than_it_is_by_an_admin_alone(self, world: World) -> None:
        builder, admin = await world.acting(BEA), await world.acting(ADA)
        redaction = redaction_of(world)
        await redaction.change_channel(admin, CHANNEL, {EMAIL: BLOCK}, sign=False)
        for changes in ({EMAIL: REDACT}, {}, {EMAIL: BLOCK, PERSON: PASS}):
            with pytest.raises(AccessDeniedError):
                await redaction.change_channel(builder, CHANNEL, changes, sign=True)
        with pytest.raises(AccessDeniedError):
            await redaction.reset_channel(builder, CHANNEL)
        await redaction.reset_channel(admin, CHANNEL)
        assert (await redaction.rules(CHANNEL)).policy == default_policy()

    async def test_is_laxer_than_the_workspace_only_where_an_admin_signs(self, world: World) -> None:
        admin, redaction = await world.acting(ADA), redaction_of(world)
        with pytest.raises(InvalidInputError) as raised:
            await redaction.change_channel(admin, CHANNEL, {PERSON: PASS}, sign=False)
        assert raised.value.field == "signed"
        await redaction.change_channel(admin, CHANNEL, {PERSON: PASS}, sign=True)
        assert (await redaction.rules(CHANNEL)).policy.of(PERSON) is PASS

    async def test_stays_signed_when_somebody_makes_it_stricter_elsewhere(self, world: World) -> None:
        redaction = redaction_of(world)
        await redaction.change_channel(await world.acting(ADA), CHANNEL, {PERSON: PASS}, sign=True)
        await redaction.change_channel(await world.acting(BEA), CHANNEL, {PERSON: PASS, EMAIL: BLOCK}, sign=False)
        policy = (await redaction.rules(CHANNEL)).policy
        assert (policy.of(PERSON), policy.of(EMAIL)) == (PASS, BLOCK)

    async def test_is_not_signed_where_nothing_had_to_be(self, world: World) -> None:
        """Otherwise it would be laxer, unseen, when the workspace gets stricter."""
        admin, redaction = await world.acting(ADA), redaction_of(world)
        await redaction.change_channel(admin, CHANNEL, {EntityType.LOCATION: Disposition.WARN}, sign=True)
        await redaction.change(admin, {EntityType.LOCATION: BLOCK}, retention_days=90)
        assert (await redaction.rules(CHANNEL)).policy.of(EntityType.LOCATION) is BLOCK

    async def test_is_audited_with_types_and_once_for_the_same(self, world: World) -> None:
        admin, redaction = await world.acting(ADA), redaction_of(world)
        for _ in range(2):
            await redaction.change_channel(admin, CHANNEL, {EMAIL: BLOCK}, sign=False)
        for _ in range(2):
            await redaction.reset_channel(admin, CHANNEL)
        entries = [entry for entry in await world.audited() if entry.action.startswith("redaction.")]
        assert [entry.action for entry in entries] == ["redaction.channel.change", "redaction.channel.reset"]
        assert (entries[0].target, entries[0].detail) == (f"channel:{CHANNEL}", {"EMAIL": "block", "signed": False})


class TestTheLists:
    async def test_tell_how_many_are_new(self, world: World) -> None:
        admin = await world.acting(ADA)
        assert await redaction_of(world).add_terms(admin, "Acme Rocket\nBolt", TERM) == 2
        assert await redaction_of(world).add_terms(admin, "ACME rocket\nNut", TERM) == 1
        assert await redaction_of(world).remove_terms(admin, ["Unheard of"]) == 0
        assert await redaction_of(world).remove_terms(admin, ["acme rocket", "Unheard of"]) == 1
        overview = await redaction_of(world).overview(admin)
        assert overview.terms == {TERM: 2}

    async def test_keep_and_audit_no_word_of_a_term(self, world: World) -> None:
        admin = await world.acting(ADA)
        await redaction_of(world).add_terms(admin, "Project Zebra", TERM)
        await redaction_of(world).remove_terms(admin, ["Project Zebra"])
        await redaction_of(world).propose(await world.acting(TIM), "Zebra Crossing", PERSON)
        told = json.dumps([[entry.action, entry.target, entry.detail] for entry in await world.audited()])
        assert "redaction.terms.add" in told
        assert "zebra" not in told.casefold()

    async def test_are_not_filled_beyond_what_is_looked_through(self, world: World) -> None:
        admin = await world.acting(ADA)
        half = "\n".join(f"term {number}" for number in range(MOST_TERMS // 2 + 1))
        await redaction_of(world).add_terms(admin, half, TERM)
        with pytest.raises(InvalidInputError, match="20,000"):
            await redaction_of(world).add_terms(admin, half.replace("term", "word"), None)
        assert (await redaction_of(world).overview(admin)).terms == {TERM: MOST_TERMS // 2 + 1}


class TestATerm:
    @pytest.mark.parametrize(
        "bad", ["x", "y" * 101, "a term of nine whole words is a sentence", "the", "Project", "2026", "a\x00b", "!!"]
    )
    def test_that_would_do_harm_is_refused_with_its_line(self, bad: str) -> None:
        with pytest.raises(InvalidInputError, match=r"Line 3 ") as raised:
            checked_terms(f"# ours\nAcme Rocket\n{bad}\nBolt", is_allowed=False)
        assert raised.value.field == "terms"
        assert len(bad) < 3 or bad not in str(raised.value)

    def test_that_is_ordinary_may_be_allowed(self) -> None:
        assert checked_terms("Will\nwill\n2026", is_allowed=True) == ["Will", "will", "2026"]

    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
    def test_that_is_taken_is_one_that_can_be_looked_for(self, text: str) -> None:
        try:
            terms = checked_terms(text, is_allowed=False)
        except InvalidInputError:
            return
        assert all(2 <= len(term) <= 100 and len(term.split()) <= 8 for term in terms)
        assert all(term in text for term in terms)


class TestTrying:
    async def test_shows_what_would_be_found_and_sent_and_keeps_nothing(self, world: World) -> None:
        text = "Mail al@acme.example from 10.0.0.1"
        trial = await redaction_of(world).try_text(await world.acting(TIM), text, CHANNEL)
        assert trial.text == "Mail [EMAIL_1] from 10.0.0.1"
        assert list(trial.found) == [(EMAIL, "al@acme.example", REDACT), (EntityType.IP_ADDRESS, "10.0.0.1", PASS)]
        assert (trial.risk, list(trial.blocked)) == (50, [])
        assert not [action for action in await world.actions() if action.startswith("redaction.")]

    async def test_shows_what_is_blocked_too(self, world: World) -> None:
        text = "the token is ghp_" + "aB3" * 12
        trial = await redaction_of(world).try_text(await world.acting(TIM), text, CHANNEL)
        assert (trial.text, trial.risk, list(trial.blocked)) == ("the token is [SECRET_1]", 100, [SECRET])

    async def test_is_for_who_may_read(self, world: World) -> None:
        with pytest.raises(AccessDeniedError):
            await redaction_of(world).try_text(await world.acting(OLE), "a text", CHANNEL)


class TestAProposal:
    async def test_that_is_approved_allows_the_term(self, world: World) -> None:
        made = await redaction_of(world).propose(await world.acting(TIM), "Grace Hopper Award", PERSON)
        [told] = await world.notices(Notice.TERM_PROPOSED)
        assert told["proposal_id"] == made.id
        assert not (await redaction_of(world).rules(CHANNEL)).lexicon.allows("Grace Hopper Award")

        await redaction_of(world).shown_at(made.id, PostedAt(channel="C9", ts="1.1"))
        await redaction_of(world).decide(await world.acting(ADA), made.id, True)
        [told] = await world.notices(Notice.TERM_SETTLED)
        assert told["proposal_id"] == made.id
        assert (await redaction_of(world).rules(CHANNEL)).lexicon.allows("grace hopper award")
        found = await redaction_of(world).proposal(made.id)
        assert (found.term, found.decided_by, found.is_approved) == ("", ADA, True)
        assert list(found.posted) == [PostedAt(channel="C9", ts="1.1")]
        assert "redaction.proposal.approve" in await world.actions()

    async def test_that_is_denied_allows_nothing(self, world: World) -> None:
        made = await redaction_of(world).propose(await world.acting(ADA), "Grace Hopper", PERSON)
        await redaction_of(world).decide(await world.acting(ADA), made.id, False)
        assert not (await redaction_of(world).rules(CHANNEL)).lexicon.allows("Grace Hopper")
        assert "redaction.proposal.deny" in await world.actions()
        with pytest.raises(ConflictError):
            await redaction_of(world).decide(await world.acting(ADA), made.id, True)

    async def test_is_decided_by_admins(self, world: World) -> None:
        made = await redaction_of(world).propose(await world.acting(TIM), "Grace Hopper", PERSON)
        with pytest.raises(AccessDeniedError):
            await redaction_of(world).decide(await world.acting(BEA), made.id, True)
        with pytest.raises(NotFoundError):
            await redaction_of(world).decide(await world.acting(ADA), 999, True)
        await redaction_of(world).shown_at(999, PostedAt(channel="C9", ts="1.1"))
        with pytest.raises(NotFoundError):
            await redaction_of(world).proposal(999)

    async def test_is_never_that_a_secret_be_sent(self, world: World) -> None:
        with pytest.raises(InvalidInputError):
            await redaction_of(world).propose(await world.acting(TIM), "hunter2", SECRET)
        with pytest.raises(AccessDeniedError):
            await redaction_of(world).propose(await world.acting(OLE), "Grace Hopper", PERSON)


async def test_what_nobody_asked_about_for_long_is_forgotten_and_counted(world: World, clock: ManualClock) -> None:
    asked_at = clock.now()
    for number in range(2):
        thread = Thread(team=TEAM, channel=CHANNEL, ts=f"{number}.0")
        async with world.storage.transaction() as stores:
            opened = await stores.talk.open_conversation(thread, starter=TIM, in_thread=False, now=asked_at)
            turn = NewTurn(
                key="prompt/1",
                conversation_id=opened.id,
                kind=TurnKind.PROMPT,
                state=TurnState.DONE,
                author=TIM,
                prompt_ts=f"{number}.0",
                prompt="a question",
            )
            await stores.talk.add(turn, now=asked_at + timedelta(days=number))
    await redaction_of(world).change(await world.acting(ADA), {}, retention_days=7)

    await clock.advance(timedelta(days=7, hours=1).total_seconds())
    assert await forget_conversations(redaction_of(world), world.services.privacy) == 1
    assert await forget_conversations(redaction_of(world), world.services.privacy) == 0
    [entry] = [entry for entry in await world.audited() if entry.action == "redaction.threads.forget"]
    assert entry.detail == {"conversations": 1, "days": 7}
